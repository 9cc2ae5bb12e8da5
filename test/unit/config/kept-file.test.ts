import { utimesSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { keepFile, keptFile } from '../../../shared/config/kept-file.ts'
import { readServiceDirectory } from '../../../shared/config/read-directory.ts'
import type { GoodFile } from '../../../shared/config/snapshot.ts'
import { watchServices } from '../../../shared/config/watch.ts'
import { systemClock } from '../../../shared/run/clock.ts'
import { goodFile } from './good-file.ts'
import { doc, start } from './watching.ts'

const MANY = `${doc('a', 80)}---
${doc('b', 81)}scheduler: mh
clients: [10.0.0.0/8]
persistence: {timeout: 60}
check: {type: https, path: /x, status: [200, 300-399]}
`

/** Without undefined properties. */
const plain = (file: GoodFile) => JSON.parse(JSON.stringify(file)) as unknown

test('what was kept says the same as the text', t => {
  for (const text of [doc('a', 80), MANY, '# nothing\n', `---\n# first\n${doc('a', 80)}...\n`]) {
    const file = goodFile('/etc/a.yaml', text)
    t.deepEqual(plain(keptFile(keepFile(file, 'p'), 'p')), plain(file))
  }
})

test('what another program has kept, or a file whose identity was not known, is read from its text', t => {
  const file = goodFile('/etc/a.yaml', MANY)
  for (const { identity, parsed } of [
    keptFile({ ...keepFile(file, 'p'), specs: '[]' }, 'q'),
    keptFile(keepFile({ ...file, identity: '' }, 'p'), 'p'),
  ]) {
    t.is(identity, undefined)
    t.deepEqual(parsed, file.parsed)
  }
})

test('a file that is the same as before a restart is not read; one that has changed is', async t => {
  const { dir, write, watch, untilServices } = start(t)
  for (const [n, name] of ['a', 'b'].entries()) {
    write(`${name}.yaml`, doc(name, 80 + n))
    utimesSync(join(dir, `${name}.yaml`), 1, 1)
  }
  await untilServices('a', 'b')
  await watch.close()
  // Their changes were a moment ago, so they become known only now.
  const now = Date.now() + 60_000
  const { files } = await readServiceDirectory(dir, new Map(), now)
  const kept = [...files.values()].map(content => {
    const file = content as GoodFile
    t.not(file.identity, '')
    const [spec] = file.parsed.specs
    return { ...file, parsed: { ...file.parsed, specs: [{ ...spec!, port: spec!.port + 10 }] } }
  })
  write('b.yaml', doc('b', 82))
  const again = watchServices({
    dir,
    log: { debug() {}, info() {}, notice() {}, warn() {}, error() {}, with: () => t.fail() as never },
    clock: systemClock,
    onChange: () => {},
    lastGood: kept,
  })
  await again.reload()
  const ports = again.snapshot().specs.map(({ service, port }) => [service, port])
  await again.close()
  t.deepEqual(ports, [
    ['a', 90],
    ['b', 82],
  ])
})
