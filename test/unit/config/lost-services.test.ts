import { renameSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { createLostServices } from '../../../shared/config/lost-services.ts'
import { watchServices } from '../../../shared/config/watch.ts'
import { systemClock } from '../../../shared/run/clock.ts'
import { fakeClock } from '../run/fake-clock.ts'
import { goodFile } from './good-file.ts'
import { doc, start } from './watching.ts'

const WRITE_MS = 3000

/** A watch whose waiting time ends when the test says so. */
function held(t: ExecutionContext) {
  const timers = new Set<() => void>()
  const clock = {
    ...systemClock,
    after: (ms: number, fn: () => void) => {
      if (ms !== WRITE_MS) return systemClock.after(ms, fn)
      timers.add(fn)
      return () => timers.delete(fn)
    },
  }
  const watching = start(t, { clock, writeMs: WRITE_MS })
  const over = () => {
    for (const fn of [...timers]) fn()
  }
  return { ...watching, over }
}

test('a file that is truncated and written again keeps its service meanwhile, and the journal says so', async t => {
  const { dir, until, untilServices, write, seen, logged } = held(t)
  write('web.yaml', doc('web', 80))
  await untilServices('web')
  const before = seen.length
  write('web.yaml', '')
  const { problems } = await until(snapshot => snapshot.problems.length > 0)
  t.like(problems[0], { file: join(dir, 'web.yaml'), lastGood: true })
  t.is(problems[0]?.reason, 'says nothing: when it still does in 3 s, and nobody is writing it, that counts')
  t.true(logged.some(line => line.includes('last good version stays in force') && line.includes('says nothing')))
  write('web.yaml', doc('web', 81))
  await until(({ specs }) => specs[0]?.port === 81)
  t.true(seen.slice(before).every(({ specs }) => specs.length === 1))
  t.deepEqual(seen.at(-1)?.problems, [])
})

test('a file that is a part of what it will be keeps all of its services', async t => {
  const { until, untilServices, write, seen } = held(t)
  write('ab.yaml', `${doc('a', 80)}---\n${doc('b', 81)}`)
  await untilServices('a', 'b')
  const before = seen.length
  write('ab.yaml', doc('a', 90))
  const { problems } = await until(snapshot => snapshot.problems.length > 0)
  t.regex(problems[0]?.reason ?? '', /^says nothing of b: /)
  write('ab.yaml', `${doc('a', 90)}---\n${doc('b', 91)}`)
  await until(({ specs }) => specs[0]?.port === 90)
  t.true(seen.slice(before).every(({ specs }) => specs.length === 2))
})

test('a file that says nothing for longer than a write takes loses its services', async t => {
  const { until, untilServices, write, over, watch } = held(t)
  write('web.yaml', doc('web', 80))
  await untilServices('web')
  write('web.yaml', '# nothing\n')
  await until(({ problems }) => problems.length > 0)
  await watch.reload()
  t.is(watch.snapshot().specs.length, 1, 'reading it again is no reason')
  over()
  const { problems } = await untilServices()
  t.deepEqual(problems, [])
})

test('a file that was written whole and truncated again while the daemon was frozen has not been the same', async t => {
  const { until, untilServices, write, over, seen } = held(t)
  write('web.yaml', doc('web', 80))
  await untilServices('web')
  write('web.yaml', '')
  await until(({ problems }) => problems.length > 0)
  const before = seen.length
  write('web.yaml', doc('web', 81))
  write('web.yaml', '')
  over()
  write('b.yaml', doc('b', 82))
  await until(({ specs }) => specs.some(({ service }) => service === 'b'))
  t.true(seen.slice(before).every(({ specs }) => specs.some(({ service }) => service === 'web')))
  over()
  await untilServices('b')
})

test('a file that is deleted, or replaced by a rename, loses its services at once', async t => {
  const { dir, untilServices, write } = held(t)
  write('a.yaml', doc('a', 80))
  write('b.yaml', doc('b', 81))
  await untilServices('a', 'b')
  unlinkSync(join(dir, 'a.yaml'))
  await untilServices('b')
  writeFileSync(join(dir, 'next'), doc('c', 82))
  renameSync(join(dir, 'next'), join(dir, 'b.yaml'))
  await untilServices('c')
  t.pass()
})

test('a restart in the midst of a write keeps the service, too', async t => {
  const first = held(t)
  first.write('web.yaml', doc('web', 80))
  const { files } = await first.untilServices('web')
  await first.watch.close()
  first.write('web.yaml', '')
  const again = watchServices({
    dir: first.dir,
    log: { debug() {}, info() {}, notice() {}, warn() {}, error() {}, with: () => t.fail() as never },
    clock: { ...systemClock, after: () => () => {} },
    onChange: () => {},
    lastGood: files,
  })
  await again.reload()
  t.is(again.snapshot().specs.length, 1)
  t.like(again.snapshot().problems[0], { lastGood: true })
  await again.close()
})

test('what is judged after the end is not looked at again', t => {
  const clock = fakeClock()
  const lost = createLostServices(clock, WRITE_MS, () => t.fail())
  const before = goodFile('web.yaml', doc('web', 80))
  lost.close()
  t.true('unreadable' in lost.judge('web.yaml', goodFile('web.yaml', ''), before, false))
  t.is(clock.pending, 0)
})
