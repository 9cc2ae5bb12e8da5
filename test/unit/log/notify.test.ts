import test from 'ava'
import type { Log } from '../../../shared/log.ts'
import type { Clock } from '../../../shared/run/clock.ts'
import { createNotify, feedWatchdog } from '../../../shared/run/notify.ts'

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
  const stop = feedWatchdog(make({}), clock)
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
