import { appendFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import test from 'ava'
import type { ServicesSnapshot } from '../../../shared/config/snapshot.ts'
import { systemClock } from '../../../shared/run/clock.ts'
import { doc, start } from './watching.ts'

// Ways in which operators and their tools change files. Each test checks everything that is in force meanwhile.

const names = ({ specs }: ServicesSnapshot) => specs.map(({ service }) => service)
const inFile = ({ specs }: ServicesSnapshot, service: string) =>
  specs.find(spec => spec.service === service)?.source.file ?? ''

test('a file that is half written is told, its last good version stays, and the whole of it is taken', async t => {
  const { dir, until, untilServices, write } = start(t)
  write('a.yaml', doc('a', 80))
  await untilServices('a')
  const text = doc('a', 81)
  write('a.yaml', text.slice(0, text.indexOf('realServers')))
  const half = await until(({ problems }) => problems.length > 0)
  t.like(half.problems[0], { file: join(dir, 'a.yaml'), lastGood: true })
  t.is(half.specs[0]?.port, 80)
  appendFileSync(join(dir, 'a.yaml'), text.slice(text.indexOf('realServers')))
  const whole = await until(({ problems }) => problems.length === 0)
  t.is(whole.specs[0]?.port, 81)
})

test('a file that is written in pieces without a pause is read once, when it is whole', async t => {
  let settle: (() => void) | undefined
  let armed = () => {}
  const clock = {
    ...systemClock,
    // The clock stands still, so the longest wait does not end however slow the machine is.
    now: () => 0,
    after: (ms: number, fn: () => void) => {
      if (ms !== 20) return () => {}
      settle = fn
      armed()
      return () => {
        if (settle === fn) settle = undefined
      }
    },
  }
  const next = () => new Promise<void>(resolve => (armed = resolve))
  const { dir, until, seen } = start(t, { clock })
  await until(({ synced }) => synced)
  const pieces = [doc('a', 80), '---\n', doc('b', 81)]
  for (const piece of pieces) {
    const again = next()
    appendFileSync(join(dir, 'ab.yaml'), piece)
    await again
  }
  settle?.()
  await until(({ specs }) => specs.length > 0)
  t.deepEqual(seen.map(names), [[], ['a', 'b']])
})

test('a service moves to another file, there first: both files are named until it has left the old one, and it stays', async t => {
  const { dir, watch, until, untilServices, write, seen } = start(t)
  write('old.yaml', doc('a', 80))
  const { specs } = await untilServices('a')
  const before = seen.length
  write('new.yaml', doc('a', 80))
  const { problems } = await until(snapshot => snapshot.problems.length > 0)
  t.like(problems[0], { file: join(dir, 'new.yaml'), line: 1, service: 'a' })
  t.is(problems[0]?.reason, `service 'a' is already defined in ${join(dir, 'old.yaml')}:1`)
  unlinkSync(join(dir, 'old.yaml'))
  await until(snapshot => inFile(snapshot, 'a').endsWith('new.yaml'))
  t.deepEqual(watch.snapshot().problems, [])
  t.true(seen.slice(before).every(snapshot => names(snapshot).join() === 'a'))
  // The input of the flows is the same.
  const { source: _, ...was } = specs[0]!
  const { source: __, ...is } = watch.snapshot().specs[0]!
  t.deepEqual(is, was)
})

test('a service moves to another file, away first: without a pause in between nobody sees it gone', async t => {
  const { dir, until, untilServices, write, seen } = start(t)
  write('0.yaml', doc('a', 80))
  await untilServices('a')
  const before = seen.length
  for (const n of [1, 2, 3]) {
    unlinkSync(join(dir, `${n - 1}.yaml`))
    write(`${n}.yaml`, doc('a', 80))
    await until(snapshot => inFile(snapshot, 'a').endsWith(`${n}.yaml`))
  }
  t.true(seen.slice(before).every(snapshot => names(snapshot).join() === 'a'))
})

test('a file that is renamed keeps its services in force throughout', async t => {
  const { dir, until, untilServices, write, seen } = start(t)
  write('0.yaml', doc('a', 80))
  await untilServices('a')
  const before = seen.length
  for (const n of [1, 2, 3]) {
    renameSync(join(dir, `${n - 1}.yaml`), join(dir, `${n}.yaml`))
    await until(snapshot => inFile(snapshot, 'a').endsWith(`${n}.yaml`))
  }
  t.true(seen.slice(before).every(({ specs, problems }) => specs.length === 1 && problems.length === 0))
})

test('a file that is renamed while the daemon is frozen, soon after an edit, keeps its services', async t => {
  let armed = () => {}
  const after = (ms: number, fn: () => void) => {
    if (ms === 20) armed()
    return systemClock.after(ms, fn)
  }
  const { dir, until, untilServices, write, seen } = start(t, { clock: { ...systemClock, after } })
  write('a.yaml', doc('a', 80))
  await untilServices('a')
  const before = seen.length
  const edited = new Promise<void>(resolve => (armed = resolve))
  write('a.yaml', doc('a', 81))
  await edited
  // From here timers are next, and then events.
  await setImmediate()
  renameSync(join(dir, 'a.yaml'), join(dir, 'b.yaml'))
  // The time of the reading comes, and what was done meanwhile has not been heard of.
  for (const thaw = performance.now() + 100; performance.now() < thaw; );
  await until(snapshot => inFile(snapshot, 'a').endsWith('b.yaml'))
  t.true(seen.slice(before).every(snapshot => names(snapshot).join() === 'a'))
})

test('a service that leaves a file for another that has services of its own', async t => {
  const { until, untilServices, write, seen } = start(t)
  write('x.yaml', `${doc('a', 80)}---\n${doc('b', 81)}`)
  write('y.yaml', doc('c', 82))
  await untilServices('a', 'b', 'c')
  const before = seen.length
  write('y.yaml', `${doc('c', 82)}---\n${doc('b', 81)}`)
  await until(({ problems }) => problems.length > 0)
  write('x.yaml', doc('a', 80))
  await until(snapshot => inFile(snapshot, 'b').endsWith('y.yaml'))
  t.true(seen.slice(before).every(snapshot => names(snapshot).sort().join() === 'a,b,c'))
})

test('a file that renames its service: the old name is in nobody’s way', async t => {
  const { until, untilServices, write } = start(t)
  write('a.yaml', doc('a', 80))
  await untilServices('a')
  write('a.yaml', doc('renamed', 80))
  await untilServices('renamed')
  // The old file is then free for other services.
  write('b.yaml', doc('a', 81))
  const { problems } = await until(({ specs }) => specs.length === 2)
  t.deepEqual(problems, [])
})

test('two files that exchange their services one after the other', async t => {
  const { dir, until, untilServices, seen } = start(t)
  const put = (name: string, text: string) => {
    writeFileSync(join(dir, 'next'), text)
    renameSync(join(dir, 'next'), join(dir, name))
  }
  put('x.yaml', doc('a', 80))
  put('y.yaml', doc('b', 81))
  await untilServices('a', 'b')
  const before = seen.length
  put('x.yaml', doc('b', 81))
  await until(({ problems }) => problems.length > 0)
  put('y.yaml', doc('a', 80))
  await untilServices('b', 'a')
  t.true(seen.slice(before).every(snapshot => names(snapshot).sort().join() === 'a,b'))
})
