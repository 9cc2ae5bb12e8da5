import test from 'ava'
import { createDriftGuard } from '../../../shared/switch/drift-guard.ts'
import { fakeClock } from '../run/fake-clock.ts'
import { memoryLog } from '../run/memory-log.ts'

test('now and then is put right at once; all the time, once a second, and is said once', async t => {
  const clock = fakeClock()
  const log = memoryLog()
  let repairs = 0
  const guard = createDriftGuard({ clock, log, repair: () => repairs++ })
  for (let i = 0; i < 3; i++) {
    guard.heard('flow removed')
    await clock.advance(60_000)
  }
  t.is(repairs, 3)
  repairs = 0
  for (let ms = 0; ms < 60_000; ms++) {
    guard.heard('flow removed')
    await clock.advance(1)
  }
  t.true(repairs > 50 && repairs < 80, `${repairs} repairs`)
  t.true(log.lines.length < 70)
  await clock.advance(20_000)
  repairs = 0
  guard.heard('flow removed')
  t.is(repairs, 1)
  guard.close()
})

test('what is heard while waiting is not forgotten', async t => {
  const clock = fakeClock()
  let repairs = 0
  const guard = createDriftGuard({ clock, log: memoryLog(), repair: () => repairs++ })
  for (let i = 0; i < 10; i++) guard.heard('x')
  const before = repairs
  await clock.advance(2000)
  t.is(repairs, before + 1)
  t.is(clock.pending, 0)
  guard.heard('x')
  guard.close()
  t.is(clock.pending, 0)
})
