import test from 'ava'
import { createHealthMonitor } from '../../../agent/health/monitor.ts'
import type { CheckTarget, ProbeResult } from '../../../agent/health/types.ts'
import { fakeClock } from '../run/fake-clock.ts'
import { memoryLog } from '../run/memory-log.ts'
import { target } from './fixtures.ts'

const GOOD: ProbeResult = { kind: 'good', detail: 'connected in 1 ms' }
const REFUSED: ProbeResult = { kind: 'bad', reason: 'connection refused' }

/** A monitor whose checks end at once with `result`. */
function watched(t: import('ava').ExecutionContext) {
  const clock = fakeClock()
  const seen = { probes: 0, changes: 0, suspects: 0, result: GOOD as ProbeResult }
  const monitor = createHealthMonitor({
    clock,
    log: memoryLog(),
    onChange: () => seen.changes++,
    onSuspect: () => seen.suspects++,
    prober: async () => {
      seen.probes++
      return seen.result
    },
  })
  t.teardown(() => monitor.stop())
  const health = () => monitor.health('web/1/8080')
  const set = (changes: Partial<CheckTarget> = {}, check: Record<string, unknown> = {}) =>
    monitor.set([target({ type: 'tcp', interval: '2s', ...check }, changes)])
  return { clock, monitor, seen, health, set }
}

test('a new real server is checked at once, comes up, and is then checked every interval', async t => {
  const { clock, seen, health, set } = watched(t)
  set()
  t.is(health()?.verdict, 'unknown')
  t.regex(health()!.reason, /^tcp check of 10\.10\.1\.100:8080: has to succeed 2 times in a row first$/)
  await clock.advance(500)
  t.is(health()?.verdict, 'up')
  t.is(health()?.reason, '')
  t.is(seen.probes, 2)
  await clock.advance(10_000)
  t.is(seen.probes, 7)
  t.is(seen.changes, 1)
})

test('it goes down with the reason, the guest is looked at after the first failure only, and the reason stays until it is up', async t => {
  const { clock, monitor, seen, health, set } = watched(t)
  set()
  await clock.advance(500)
  seen.result = REFUSED
  await clock.advance(2000)
  t.is(seen.suspects, 1)
  t.is(health()?.verdict, 'up')
  t.is(monitor.last('web/1/8080'), 'failed: connection refused')
  await clock.advance(1000)
  t.deepEqual([health()?.verdict, health()?.reason], ['down', 'tcp check of 10.10.1.100:8080: connection refused'])
  const { changes } = seen
  await clock.advance(60_000)
  t.is(seen.changes, changes)
  t.is(seen.suspects, 1)
  seen.result = GOOD
  await clock.advance(3000)
  t.is(health()?.verdict, 'up')
})

test('a check that cannot be made says nothing about the real server', async t => {
  const { clock, monitor, seen, health, set } = watched(t)
  set({ presumedUp: true })
  seen.result = { kind: 'impossible', reason: 'Network is unreachable' }
  await clock.advance(60_000)
  t.is(health()?.verdict, 'up')
  t.regex(monitor.last('web/1/8080'), /cannot be made: Network is unreachable/)
})

test('an obstacle stops the checks and keeps the verdict; without it they begin again', async t => {
  const { clock, seen, health, set } = watched(t)
  set({ obstacle: 'no port' })
  await clock.advance(5000)
  t.is(seen.probes, 0)
  t.regex(health()!.reason, /cannot be made: no port/)
  set()
  await clock.advance(1000)
  t.is(health()?.verdict, 'up')
  set({ obstacle: 'no port' })
  const { probes } = seen
  await clock.advance(60_000)
  t.is(seen.probes, probes)
  t.is(health()?.verdict, 'up')
})

test('a new run of the VM is a new real server; the end of the list is the end of the checks', async t => {
  const { clock, monitor, seen, health, set } = watched(t)
  set()
  await clock.advance(1000)
  t.is(health()?.verdict, 'up')
  set({ runId: 2 })
  t.is(health()?.verdict, 'unknown')
  monitor.set([])
  t.is(health(), undefined)
  const { probes } = seen
  await clock.advance(60_000)
  t.is(seen.probes, probes)
  t.is(clock.pending, 0)
})

test('another check of the same real server keeps its verdict and counts anew', async t => {
  const { clock, seen, health, set } = watched(t)
  set()
  await clock.advance(1000)
  seen.result = REFUSED
  await clock.advance(2200)
  set({}, { fall: 4 })
  await clock.advance(1000)
  t.is(health()?.verdict, 'up')
  await clock.advance(4000)
  t.is(health()?.verdict, 'down')
})

test('clients that hear nothing: told, or taken out, and counters that begin anew are no news', async t => {
  const { clock, monitor, health, set } = watched(t)
  set({}, { passive: 'down' })
  await clock.advance(1000)
  const see = (requests: number, replies: number) => monitor.observe(new Map([['web/1/8080', { requests, replies }]]))
  see(100, 100)
  see(10, 0)
  see(20, 0)
  see(30, 0)
  t.is(health()?.verdict, 'up')
  see(40, 0)
  t.deepEqual(
    [health()?.verdict, health()?.reason],
    ['down', 'tcp check of 10.10.1.100:8080: clients send and nothing comes back'],
  )
})
