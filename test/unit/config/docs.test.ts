import { readdirSync, readFileSync } from 'node:fs'
import test from 'ava'
import { agentConfigSchema } from '../../../agent/config/schema.ts'
import { directorConfigSchema } from '../../../director/config.ts'
import { generated } from '../../../docs/generate.ts'
import { checkFields } from '../../../shared/config/check.ts'
import { parseDaemonConfig } from '../../../shared/config/daemon.ts'
import { parseServiceFile } from '../../../shared/config/parse.ts'
import { serviceSchema } from '../../../shared/config/schema.ts'

const docs = new URL('../../../docs/', import.meta.url)
const page = (name: string) => readFileSync(new URL(name, docs), 'utf8')

for (const [name, text] of Object.entries(generated())) {
  test(`docs/${name} is what the code says (mend with: node docs/generate.ts)`, t => t.is(page(name), text))
}

/** The fenced blocks of a page whose info string is `language`. */
const blocks = (text: string, language: string) =>
  [...text.matchAll(/^```(.*)\n([\s\S]*?)^```$/gm)].filter(match => match[1] === language).map(match => match[2] ?? '')

test('every service file in the docs is in order', t => {
  const pages = readdirSync(docs).filter(name => name.endsWith('.md'))
  const texts = [...pages.map(page), readFileSync(new URL('../README.md', docs), 'utf8')].flatMap(text =>
    blocks(text, 'yaml'),
  )
  t.true(texts.length >= 2)
  for (const text of texts) t.deepEqual(parseServiceFile(text, 'docs').problems, [])
})

test('every key of the service file is described', t => {
  const text = page('service-file.md')
  for (const key of Object.keys(serviceSchema.shape)) t.true(text.includes(`\`${key}\``), key)
})

test('every bound of a service file is described, with the sentence that tells of it', t => {
  const text = page('service-file.md')
  for (const file of [
    ' '.repeat((1 << 20) + 1),
    '#'.repeat((1 << 17) + 1),
    '...\n'.repeat(5001),
    '['.repeat(33),
    `a: &a x\nb: [${'*a, '.repeat(101)}]`,
    `a: &a [${'x, '.repeat(200)}]\nb: [${'*a, '.repeat(60)}]`,
    '\u0007',
    '%YAML 1.1\n---\na: 1',
    'a: !x 1',
  ]) {
    const [problem] = parseServiceFile(file, 'a.yaml').problems
    t.true(text.includes(`| \`${problem?.reason}\` |`), problem?.reason)
  }
})

test('every key of a check is described', t => {
  const text = page('health-checks.md')
  for (const key of Object.keys(checkFields.shape)) t.true(text.includes(`\`${key}\``), key)
})

test('the daemons’ example configurations are in order, and every key is described', t => {
  const text = page('operations.md')
  for (const each of [text, page('overlay.md')]) {
    const [agent] = blocks(each, 'yaml agent.yaml')
    const [director] = blocks(each, 'yaml director.yaml')
    t.is(parseDaemonConfig(agentConfigSchema, agent ?? '', 'agent.yaml').bridge, 'br0')
    t.is(parseDaemonConfig(directorConfigSchema, director ?? '', 'director.yaml').bridge, 'br0')
  }
  for (const schema of [agentConfigSchema, directorConfigSchema]) {
    for (const key of Object.keys(schema.shape)) t.true(text.includes(`\`${key}\``), key)
  }
})
