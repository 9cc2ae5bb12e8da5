import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import fc from 'fast-check'
import { MAX_FINDINGS } from '../../../shared/config/findings.ts'
import { parseInPieces, parseServiceFile } from '../../../shared/config/parse.ts'
import { readServiceFile } from '../../../shared/config/read-directory.ts'
import { parseYaml, readYaml } from '../../../shared/config/yaml.ts'
import { MAX_DOCUMENT_LENGTH, MAX_DOCUMENTS } from '../../../shared/config/yaml-limits.ts'
import { tempDir } from '../cleanup.ts'
import { yamlText } from './yaml-texts.ts'

const SERVICE = 'service: web\nvip: 10.10.1.100\nport: 80\nrealServers: [{vm: web, port: 8080}]\n'

const told = (text: string) =>
  parseServiceFile(text, 'a.yaml').problems.map(({ line, column, reason }) => `${line}:${column} ${reason}`)

test('a typo is told with its place however often it is there, and one screen of them', t => {
  const entries = Array.from({ length: 800 }, (_, n) => `  - vm: web-${n}\n    prot: 8080\n`).join('')
  const problems = told(`service: web\nvip: 10.10.1.100\nport: 80\nrealServers:\n${entries}`)
  t.is(problems.length, MAX_FINDINGS + 1)
  t.is(problems[0], "5:5 'realServers[0].port' is missing")
  t.is(problems[1], "6:5 unknown key 'realServers[0].prot' (did you mean 'port'?)")
  t.is(problems.at(-1), `25:5 and ${1600 - MAX_FINDINGS} more`)
})

test('the time to read a file grows with the file', t => {
  const seconds = (make: (n: number) => string, n: number) => {
    const text = make(n)
    const begin = performance.now()
    parseServiceFile(text, 'a.yaml')
    return (performance.now() - begin) / 1000
  }
  const many = (unit: (n: number) => string) => (count: number) =>
    Array.from({ length: count }, (_, n) => unit(n)).join('')
  const makes = {
    typos: many(n => `k${n}: 1\n`),
    anchors: many(n => `k${n}: &a${n} x\n`),
    comments: many(() => '# for whom it is\n'),
    dashes: many(() => '- '),
    documents: many(n => `${SERVICE}prot: ${n}\n---\n`),
  }
  for (const [name, make] of Object.entries(makes)) {
    seconds(make, 500)
    const [short, long] = [seconds(make, 1000), seconds(make, 4000)]
    // Four times the text; quadratic time would be sixteen times the time.
    t.true(long < 12 * short + 0.3, `${name}: ${short} s, ${long} s`)
  }
})

test('a large file is read in pieces', t => {
  const text = Array.from({ length: 500 }, (_, n) => SERVICE.replaceAll('web', `web${n}`)).join('---\n')
  t.true([...parseInPieces(text, 'a.yaml')].length >= 500)
})

test('places of aliases, of tags and of keys that are there twice', t => {
  t.deepEqual(told('a: 1\nb: [x, *nobody]\n'), ['2:8 alias *nobody: there is no anchor &nobody before it'])
  t.deepEqual(told('a: &a\n  b: *a\n'), ['2:6 alias *a stands within what it is an alias of'])
  t.deepEqual(told('a: 1\nb: 2\n"a": 3\n'), ['3:1 this key is already there in the same block; keep one of the two'])
  t.regex(told(`${SERVICE}slowStart: !seconds 5\n`)[0] ?? '', /^5:12 Unresolved tag: !seconds/)
  const bomb = ['a: &a [x,x,x,x,x,x,x,x,x]']
  for (let i = 1; i < 9; i++)
    bomb.push(`${'abcdefghi'[i]}: &${'abcdefghi'[i]} [${`*${'abcdefghi'[i - 1]},`.repeat(9)}]`)
  t.deepEqual(told(bomb.join('\n')), ['5:8 aliases stand for more than 10000 values: write the values themselves'])
  t.regex(told(`a: &a x\nb: [${'*a, '.repeat(101)}]\n`)[0] ?? '', /^2:405 more than 100 aliases/)
  t.deepEqual(parseServiceFile(`${SERVICE.replace('80', '&p 80').replace('8080', '*p')}`, 'a.yaml').problems, [])
})

test('too much of something is one problem that says how to mend it', t => {
  t.deepEqual(told('['.repeat(20_000)), [
    '1:33 nested deeper than 32 levels, which no service needs; is a bracket not closed, or a dash too many?',
  ])
  t.regex(told('- '.repeat(20_000)).join(), /^1:65 nested deeper than 32 levels/)
  t.regex(told('a: '.repeat(20_000)).join(), /^1:97 nested deeper than 32 levels/)
  t.regex(told(`[{a: ${'b: '.repeat(20_000)}`).join(), /^1:96 nested deeper than 32 levels/)
  t.regex(told(`a: 1\n${'# x\n'.repeat(MAX_DOCUMENT_LENGTH / 4)}`).join(), /^1:1 this document is longer than 131072/)
  t.regex(told('--- a\n'.repeat(MAX_DOCUMENTS + 1)).at(-1) ?? '', /and \d+ more/)
  t.regex(told('...\n'.repeat(MAX_DOCUMENTS + 1)).join(), /^5001:1 more than 5000 documents: write some/)
  t.regex(
    told(`# ${'x'.repeat(1 << 20)}`).join(),
    /^1:1 larger than 1048576 bytes: write its services into several files/,
  )
})

test('what a director has added to a document that was as long as may be is taken', t => {
  const text = `${SERVICE}# ${'x'.repeat(MAX_DOCUMENT_LENGTH)}`
  t.regex(told(text).join(), /longer than/)
  t.deepEqual(parseServiceFile(text, 'a.yaml', { origin: 'director' }).problems, [])
})

test('files are YAML 1.2 without directives, in every document', t => {
  const second = SERVICE.replaceAll('web', 'b').replace('port: 80', 'port: 81').replace('8080', '8080, weight: 010')
  const [problem, ...others] = told(`%YAML 1.1\n---\n${SERVICE}---\n${second}`)
  t.is(problem, "1:1 '%YAML 1.1': files are YAML 1.2, without directives; take this line out")
  t.deepEqual(others, [])
  t.regex(told(`%TAG ! tag:a,2000:\n---\n${SERVICE}`).join(), /^1:1 '%TAG/)
  t.deepEqual(told(`%YAML 1.2\n---\n${SERVICE}`), [])
  const { documents } = parseServiceFile(`%YAML 1.2\n---\n${SERVICE}`, 'a.yaml')
  t.is(documents[0]?.text, SERVICE)
})

test('what is not text is refused as such, with its place', async t => {
  const dir = tempDir(t)
  const read = async (bytes: Buffer | string) => {
    const file = join(dir, 'a.yaml')
    writeFileSync(file, bytes)
    const content = await readServiceFile(file)
    if (content === undefined || !('parsed' in content)) return t.fail() as never
    return content.parsed.problems.map(({ line, column, reason }) => `${line}:${column} ${reason}`)
  }
  t.deepEqual(await read(`\ufeff${SERVICE}`), [])
  t.deepEqual(await read(Buffer.from('a: \ufffd\nb: ü\xff\n', 'latin1')), [
    '1:4 not text: these bytes are not UTF-8; save the file in UTF-8',
  ])
  t.deepEqual(await read(Buffer.concat([Buffer.from('a: 1\nb: ü\ufffd'), Buffer.from([0xff]), Buffer.from('\n')])), [
    '2:6 not text: these bytes are not UTF-8; save the file in UTF-8',
  ])
  t.regex((await read(Buffer.from(SERVICE, 'utf16le'))).join(), /^1:2 not text: the character \\u0000 is not allowed/)
  t.regex((await read(`${SERVICE}# \u0007\n`)).join(), /^5:3 not text: the character \\u0007/)
})

test('control characters of a file are never printed as they are', t => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  const RAW = /[\x00-\x1f\x7f-\x9f\u202e\u2028]/
  for (const text of [
    SERVICE.replace('web\n', '"\\e[31mweb"\n'),
    SERVICE.replace('10.10.1.100', '"1\\u202e\\n"'),
    `${SERVICE}"\\e]0;x\\a": 1\n`,
    SERVICE.replace('vm: web', 'vm: "\\x7f"'),
    `${SERVICE}protocol: "\\L"\n`,
  ]) {
    const problems = parseServiceFile(text, 'a.yaml').problems
    t.true(problems.length > 0)
    for (const { reason, service = '' } of problems) t.notRegex(reason + service, RAW)
  }
  t.true(told(SERVICE.replace('10.10.1.100', 'x'.repeat(100_000)))[0]!.length < 500)
})

test('a document that is sent alone means what it meant in its file', t => {
  let several = 0
  const valid = fc.constantFrom(
    ...[SERVICE, 'a: |+\n x\n\n', '  a: 1\n  b: 2\n', '# c\na: 1\n', '[a, b]', '"x\n y"', 'x\n y', 'a: &x 1\nb: *x\n'],
    ...[
      '- a\n- b',
      '\n\na: 1 # c',
      'a:\n# c\n  b: 1\n# d\n',
      '|\n a\n',
      '>-\n a\n\n',
      '&a\nb: 1',
      '? a\n: b',
      '!!str 80',
      '8',
    ],
  )
  const document = fc.oneof({ weight: 9, arbitrary: valid }, { weight: 1, arbitrary: yamlText })
  const separator = fc.constantFrom('---\n', '--- \n', '...\n---\n', '--- # c\n', '...\n# c\n---\n', '\n---\n\n')
  fc.assert(
    fc.property(fc.array(fc.tuple(separator, document), { minLength: 1, maxLength: 4 }), parts => {
      const file = parseYaml(parts.flat().join('\n'))
      if (file.findings.length > 0 || file.documents.some(({ findings }) => findings.length > 0)) return
      if (file.documents.length > 1) several++
      for (const { text, value, line } of file.documents) {
        const alone = readYaml(text, line)
        t.deepEqual(
          alone.documents.map(document => [document.value, document.line]),
          [[value, line]],
          JSON.stringify(text),
        )
      }
    }),
    { numRuns: 1000 },
  )
  t.true(several > 100, `${several} had several documents`)
})
