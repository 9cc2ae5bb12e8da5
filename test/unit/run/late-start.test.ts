import test from 'ava'
import { createTopic } from '../../../shared/run/cell.ts'
import { createLateStart } from '../../../shared/run/late-start.ts'
import { fakeClock } from './fake-clock.ts'

function harness(busy: () => boolean) {
  const clock = fakeClock()
  const passed = createTopic<void>()
  const late = createLateStart({ clock, passed, busy })
  const seen: number[] = []
  void late.due.then(() => seen.push(clock.now()))
  return { clock, passed, late, seen, begun: clock.now() }
}

test('it is due when the first pass has ended', async t => {
  const { clock, passed, seen, begun } = harness(() => true)
  await clock.advance(20)
  t.deepEqual(seen, [])
  passed.publish()
  await clock.advance(0)
  t.deepEqual(seen, [begun + 20])
})

test('it is due after a second where others keep the first pass waiting', async t => {
  const { clock, seen, begun } = harness(() => false)
  await clock.advance(999)
  t.deepEqual(seen, [])
  await clock.advance(1)
  t.deepEqual(seen, [begun + 1000])
})

test('a process that is busy is waited for, but not for ever', async t => {
  const { clock, seen, begun } = harness(() => true)
  await clock.advance(4999)
  t.deepEqual(seen, [])
  await clock.advance(1)
  t.deepEqual(seen, [begun + 5000])
})

test('it is due soon after the process has become idle', async t => {
  let busy = true
  const { clock, seen, begun } = harness(() => busy)
  await clock.advance(2050)
  busy = false
  await clock.advance(100)
  t.deepEqual(seen, [begun + 2100])
})

test('closed, it is never due, and leaves neither timer nor listener', async t => {
  const { clock, passed, late, seen } = harness(() => true)
  late.close()
  passed.publish()
  t.is(clock.pending, 0)
  await clock.advance(10_000)
  t.deepEqual(seen, [])
})
