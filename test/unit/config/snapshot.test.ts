import test from 'ava'
import { type GoodFile, resolveSnapshot } from '../../../shared/config/snapshot.ts'
import { goodFile } from './good-file.ts'

const doc = (service: string, port: number, vm = service) =>
  `service: ${service}\nvip: 10.10.1.100\nport: ${port}\nrealServers: [{vm: ${vm}, port: 8080}]\n`

const files = (texts: Record<string, string>) =>
  new Map<string, GoodFile>(Object.entries(texts).map(([file, text]) => [file, goodFile(file, text)]))

const resolve = (now: Record<string, string>, before: Record<string, string> = {}) => {
  const { specs, problems } = resolveSnapshot(files(now), files(before))
  return {
    inForce: specs.map(({ service, port, source }) => `${source.file} ${service} ${port}`),
    problems: problems.map(({ file, lastGood }) => `${file} ${lastGood}`),
  }
}

test('good files beside a bad one are applied', t => {
  t.deepEqual(resolve({ a: 'nonsense', b: doc('b', 81) }), { inForce: ['b b 81'], problems: ['a false'] })
})

test('the last good version of a bad file stays, and only of that file', t => {
  t.deepEqual(resolve({ a: 'nonsense', b: doc('b', 82) }, { a: doc('a', 80), b: doc('b', 81) }), {
    inForce: ['a a 80', 'b b 82'],
    problems: ['a true'],
  })
})

test('a file is one unit: one bad document holds back the others', t => {
  t.deepEqual(resolve({ a: `${doc('a', 80)}---\nvip: x\n` }).inForce, [])
})

test('a deleted file takes its services with it', t => {
  t.deepEqual(resolve({}, { a: doc('a', 80) }), { inForce: [], problems: [] })
})

test('an unreadable file keeps what it had', t => {
  const before = files({ a: doc('a', 80) })
  const { specs, problems } = resolveSnapshot(new Map([['a', { unreadable: 'may not be read' }]]), before)
  t.is(specs.length, 1)
  t.deepEqual(
    problems.map(({ reason, lastGood }) => [reason, lastGood]),
    [['may not be read', true]],
  )
})

test('of two new files in conflict the first by name wins', t => {
  t.deepEqual(resolve({ b: doc('web', 81), a: doc('web', 80) }), { inForce: ['a web 80'], problems: ['b false'] })
})

test('what is in force wins against a newcomer, whatever its name', t => {
  t.deepEqual(resolve({ a: doc('web', 80), b: doc('web', 81) }, { b: doc('web', 81) }), {
    inForce: ['b web 81'],
    problems: ['a false'],
  })
})

test('a newcomer that was refused is in the way of no edit of what is in force', t => {
  t.deepEqual(resolve({ a: doc('web', 80), b: doc('web', 81, 'other') }, { b: doc('web', 81) }), {
    inForce: ['b web 81'],
    problems: ['a false'],
  })
  // Neither is an edit that was refused.
  const before = { a: doc('a', 80), b: doc('b', 81) }
  t.deepEqual(resolve({ a: doc('a', 81), b: doc('b', 81, 'other') }, before), {
    inForce: ['a a 80', 'b b 81'],
    problems: ['a true'],
  })
})

test('an edit that conflicts falls back, and what it falls back to is defended', t => {
  const before = { a: doc('web', 80), c: doc('c', 90) }
  t.deepEqual(resolve({ a: doc('c', 91), b: doc('web', 82), c: doc('c', 90) }, before), {
    inForce: ['a web 80', 'c c 90'],
    problems: ['a true', 'b false'],
  })
})

test('two files may swap their services in one go', t => {
  t.deepEqual(resolve({ a: doc('b', 81), b: doc('a', 80) }, { a: doc('a', 80), b: doc('b', 81) }), {
    inForce: ['a b 81', 'b a 80'],
    problems: [],
  })
})

test('a conflict inside one file is found', t => {
  t.deepEqual(resolve({ a: `${doc('x', 80)}---\n${doc('y', 80)}` }).problems, ['a false'])
})

test('documents and files are those in force', t => {
  const before = files({ a: `# old\n${doc('a', 80)}` })
  const now = files({ a: 'nonsense', b: doc('b', 81) })
  const { documents, files: inForce } = resolveSnapshot(now, before)
  t.deepEqual(
    documents.map(({ file, line }) => `${file}:${line}`),
    ['a:1', 'b:1'],
  )
  t.deepEqual(inForce, [before.get('a')!, now.get('b')!])
})
