import { renameSync, unlinkSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { ServicesSnapshot } from '../../../shared/config/snapshot.ts'
import { watchServices } from '../../../shared/config/watch.ts'
import { systemClock } from '../../../shared/run/clock.ts'
import { doc, start } from './watching.ts'

// Files that are gone, or have lost services, while another is wrong. The readings begin with `reload`, so each finds what a test has done before it.

const OFF = { settleMs: 3_600_000 }
const quiet = { debug() {}, info() {}, notice() {}, warn() {}, error() {}, with: () => quiet }
const summary = ({ specs, problems }: ServicesSnapshot) => ({
  inForce: specs.map(({ service, port }) => `${service} ${port}`),
  problems: problems.map(({ file, reason, lastGood }) => `${file.replace(/^.*\//, '')} ${lastGood} ${reason}`),
})

/** Services a and b in force, each in its file. */
async function two(t: ExecutionContext) {
  const watching = start(t, OFF)
  const { dir, watch, write } = watching
  write('a.yaml', doc('a', 80))
  write('b.yaml', doc('b', 81))
  await watch.reload()
  const found = async () => {
    await watch.reload()
    return summary(watch.snapshot())
  }
  const move = (from: string, to: string) => renameSync(join(dir, from), join(dir, to))
  const remove = (name: string) => unlinkSync(join(dir, name))
  return { ...watching, found, move, remove }
}

const HELD =
  'a.yaml true is gone, and its services may be in new.yaml: what was in force stays until that file is in order, or gone'

test('a file gets another name and content that is wrong: its services stay until it is in order', async t => {
  const { found, move, write } = await two(t)
  move('a.yaml', 'new.yaml')
  write('new.yaml', '[[[[')
  const { inForce, problems } = await found()
  t.deepEqual(inForce, ['a 80', 'b 81'])
  t.is(problems[0], HELD)
  t.regex(problems[1]!, /^new\.yaml false /)
  write('new.yaml', '[[')
  t.deepEqual((await found()).inForce, ['a 80', 'b 81'], 'wrong in another way')
  write('new.yaml', doc('a', 82))
  t.deepEqual(await found(), { inForce: ['b 81', 'a 82'], problems: [] })
})

test('a wrong file that is truncated to be written again may still have the services', async t => {
  const { found, move, write, until } = await two(t)
  move('a.yaml', 'new.yaml')
  write('new.yaml', '[[[[')
  t.is((await found()).problems[0], HELD)
  write('new.yaml', '')
  const { inForce, problems } = await found()
  t.deepEqual(inForce, ['a 80', 'b 81'])
  t.regex(problems[1]!, /^new\.yaml false says nothing: when it still does in /)
  await until(({ specs }) => specs.length === 1)
})

test('a file gets another name and is being written: its services may be what comes', async t => {
  const { found, move, write, until } = await two(t)
  move('a.yaml', 'new.yaml')
  write('new.yaml', '')
  const first = await found()
  t.deepEqual(first.inForce, ['a 80', 'b 81'])
  await until(({ problems }) => problems.some(({ reason }) => reason.startsWith('says nothing: when it still does')))
  await until(({ specs, problems }) => specs.length === 1 && problems.length === 0)
})

test('the wrong file is gone, too: so are the services', async t => {
  const { found, move, remove, write } = await two(t)
  move('a.yaml', 'new.yaml')
  write('new.yaml', '[[[[')
  t.is((await found()).problems[0], HELD)
  remove('new.yaml')
  t.deepEqual(await found(), { inForce: ['b 81'], problems: [] })
})

test('the file is back, as it was or changed', async t => {
  const { found, move, write } = await two(t)
  move('a.yaml', 'new.yaml')
  write('new.yaml', '[[[[')
  t.is((await found()).problems[0], HELD)
  write('a.yaml', doc('a', 83))
  const { inForce, problems } = await found()
  t.deepEqual(inForce, ['a 83', 'b 81'])
  t.regex(problems.join(), /^new\.yaml/)
})

test('a service moves to another file, there first and with a mistake: it stays although it has left the old one', async t => {
  for (const other of ['new.yaml', 'b.yaml']) {
    const { found, remove, write } = await two(t)
    write(other, `${doc('b', 81)}---\n${doc('a', 80).replace('port', 'prot')}`)
    await found()
    remove('a.yaml')
    const { inForce, problems } = await found()
    t.deepEqual(inForce, ['a 80', 'b 81'])
    t.is(problems[0], HELD.replace('new.yaml', other))
  }
})

test('a file that was deleted takes its services along, whatever else is and was wrong', async t => {
  const { found, remove, write } = await two(t)
  write('new.yaml', '[[[[')
  await found()
  remove('a.yaml')
  t.deepEqual((await found()).inForce, ['b 81'], 'it was wrong before')
  write('b.yaml', '[[[[')
  write('c.yaml', doc('c', 82))
  await found()
  remove('c.yaml')
  write('b.yaml', '[[')
  t.deepEqual((await found()).inForce, ['b 81'], 'it has a version in force, and names nothing else')
})

test('a file whose services are in order elsewhere has moved', async t => {
  const { found, move, write } = await two(t)
  move('a.yaml', 'new.yaml')
  write('z.yaml', '[[[[')
  const { inForce, problems } = await found()
  t.deepEqual(inForce, ['b 81', 'a 80'])
  t.regex(problems.join(), /^z\.yaml/)
})

test('a file whose services come back in another file is waited for no longer', async t => {
  const { found, move, write } = await two(t)
  move('a.yaml', 'new.yaml')
  write('new.yaml', '[[[[')
  t.is((await found()).problems[0], HELD)
  write('z.yaml', doc('a', 80))
  const { inForce, problems } = await found()
  t.deepEqual(inForce, ['b 81', 'a 80'])
  t.regex(problems.join(), /^new\.yaml/)
})

test('a service leaves a file that is replaced, for one that is wrong: the file stays as it was', async t => {
  const { dir, found, move, write } = await two(t)
  write('a.yaml', `${doc('a', 80)}---\n${doc('x', 90)}`)
  await found()
  write('next', doc('a', 82))
  // Its content is older than its name.
  utimesSync(join(dir, 'next'), 1, 1)
  move('next', 'a.yaml')
  write('new.yaml', `${doc('x', 90)}prot: 1\n`)
  const { inForce, problems } = await found()
  t.deepEqual(inForce, ['a 80', 'x 90', 'b 81'])
  t.is(problems[0], HELD.replace('is gone, and its services', 'no longer has x, which'))
  write('new.yaml', doc('x', 91))
  t.deepEqual(await found(), { inForce: ['a 82', 'b 81', 'x 91'], problems: [] })
})

test('the same while the daemon was away, and over its next restart', async t => {
  const first = await two(t)
  await first.watch.close()
  first.move('a.yaml', 'new.yaml')
  first.write('new.yaml', '[[[[')
  let { files } = first.watch.snapshot()
  for (const _ of [1, 2]) {
    const again = watchServices({ dir: first.dir, log: quiet, clock: systemClock, lastGood: files, onChange() {} })
    await again.reload()
    await again.close()
    t.deepEqual(summary(again.snapshot()).inForce, ['a 80', 'b 81'])
    files = again.snapshot().files
  }
})

test('an event for each file: what is gone waits for what came with it', async t => {
  const { dir, until, untilServices, write } = start(t)
  write('a.yaml', doc('a', 80))
  await untilServices('a')
  renameSync(join(dir, 'a.yaml'), join(dir, 'new.yaml'))
  write('new.yaml', '[[[[')
  const snapshot = await until(({ problems }) => problems.length > 0)
  t.deepEqual(summary(snapshot).inForce, ['a 80'])
})
