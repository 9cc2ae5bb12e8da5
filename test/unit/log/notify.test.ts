import test from 'ava'
import type { Log } from '../../../shared/log.ts'
import type { Clock } from '../../../shared/run/clock.ts'
import { createDirtyLoop } from '../../../shared/run/dirty-loop.ts'
import { createNotify, feedWatchdog } from '../../../shared/run/notify.ts'
import { fakeClock } from '../run/fake-clock.ts'
import { memoryLog } from '../run/memory-log.ts'

function recorder() {
  const warnings: string[] = []
  const quiet = () => {}
  const log: Log = {
    debug: quiet,
    info: quiet,
    notice: quiet,
    error: quiet,
    warn: m => warnings.push(m),
    with: () => log,
  }
  return { log, warnings }
}

test('states are sent as sd_notify(3) wants them', t => {
  const sent: string[] = []
  const send = (state: string) => sent.push(state)
  const notify = createNotify({ ...recorder(), env: { NOTIFY_SOCKET: '/x' }, send })
  notify.ready('3 services\nin force')
  notify.reloading()
  notify.stopping()
  t.is(sent[0], 'READY=1\nSTATUS=3 services in force')
  t.regex(sent[1] ?? '', /^RELOADING=1\nMONOTONIC_USEC=\d+$/)
  t.is(sent[2], 'STOPPING=1')
})

test('nothing is sent without NOTIFY_SOCKET', t => {
  const notify = createNotify({ ...recorder(), env: {}, send: () => t.fail() as never })
  notify.ready()
  t.pass()
})

test('a refused state is logged and does not throw', t => {
  const { log, warnings } = recorder()
  createNotify({ log, env: { NOTIFY_SOCKET: '/x' }, send: () => -111 }).ready()
  t.is(warnings.length, 1)
})

test('the watchdog is fed at half its period, for our pid only', t => {
  const sent: string[] = []
  const env = { NOTIFY_SOCKET: '/x', WATCHDOG_USEC: '30000000' }
  const make = (extra: object) =>
    createNotify({ ...recorder(), env: { ...env, ...extra }, send: state => sent.push(state) })
  t.is(make({ WATCHDOG_PID: '1' }).watchdogMs, undefined)
  t.is(make({ WATCHDOG_PID: String(process.pid) }).watchdogMs, 30_000)

  const waits: { ms: number; fn: () => void }[] = []
  let cancelled = 0
  const clock: Clock = {
    now: () => 0,
    wall: () => new Date(0),
    after: (ms, fn) => {
      waits.push({ ms, fn })
      return () => cancelled++
    },
  }
  const stop = feedWatchdog(make({}), clock, { actingSince: undefined }, recorder().log)
  waits[0]?.fn()
  t.deepEqual(
    [waits.map(w => w.ms), sent],
    [
      [15_000, 15_000],
      ['WATCHDOG=1', 'WATCHDOG=1'],
    ],
  )
  stop()
  t.is(cancelled, 1)
})

test('the watchdog is not fed while a pass takes more than its period, and is told in the journal', async t => {
  const sent: string[] = []
  const clock = fakeClock()
  const env = { NOTIFY_SOCKET: '/x', WATCHDOG_USEC: '30000000' }
  const notify = createNotify({ ...recorder(), env, send: state => sent.push(state) })
  const log = memoryLog()
  let open = true
  let end = () => {}
  const loop = createDirtyLoop({
    clock,
    log,
    gate: () => (open ? undefined : 'the switch'),
    act: () => new Promise<void>(resolve => (end = resolve)),
  })
  const fed = () => sent.splice(0).length
  t.teardown(feedWatchdog(notify, clock, loop, log))
  t.is(fed(), 1)
  open = false
  loop.mark('waits')
  await clock.advance(60_000)
  t.is(fed(), 4, 'waiting for an input is what it should do')
  open = true
  loop.mark('hangs')
  await clock.advance(29_000)
  t.is(fed(), 1)
  await clock.advance(120_000)
  t.true(fed() <= 1, 'a pass hangs')
  t.is(log.lines.filter(line => String(line.message).includes('the watchdog is not fed')).length, 1)
  end()
  await clock.advance(30_000)
  t.is(fed(), 2)
})
