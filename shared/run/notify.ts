import { CrossportError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Clock } from './clock.ts'
import type { DirtyLoop } from './dirty-loop.ts'
import { type Libsystemd, loadLibsystemd } from './libsystemd.ts'

/** Messages of a daemon to its service manager (sd_notify(3)). Every call is a no-op where NOTIFY_SOCKET is not set. */
export interface Notify {
  ready(status?: string): void
  /** One line, shown by `systemctl status`. */
  status(text: string): void
  /** Send when a reload begins; `ready` ends it. */
  reloading(): void
  stopping(): void
  watchdog(): void
  /** Milliseconds within which the service manager expects `watchdog`; undefined: it does not. */
  readonly watchdogMs: number | undefined
}

export interface NotifyOptions {
  readonly log: Log
  readonly env?: NodeJS.ProcessEnv
  /** Replaces libsystemd in tests. */
  readonly send?: (state: string) => number
}

/** Sends messages to the service manager. Never throws: a failure is logged, and the daemon goes on. */
export function createNotify({ log, env = process.env, send }: NotifyOptions): Notify {
  const deliver = env.NOTIFY_SOCKET ? (send ?? sender(log)) : () => 0
  const tell = (state: string) => {
    const result = deliver(state)
    if (result < 0) log.warn('the service manager did not accept our state', { state, errno: -result })
  }
  return {
    ready: status => tell(status === undefined ? 'READY=1' : `READY=1\nSTATUS=${oneLine(status)}`),
    status: text => tell(`STATUS=${oneLine(text)}`),
    // Type=notify-reload waits for MONOTONIC_USEC; older managers ignore it.
    reloading: () => tell(`RELOADING=1\nMONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`),
    stopping: () => tell('STOPPING=1'),
    watchdog: () => tell('WATCHDOG=1'),
    watchdogMs: watchdogMs(env),
  }
}

/**
 * Feeds the watchdog at half its period (sd_watchdog_enabled(3)) while the loop makes progress: no act of it takes a whole
 * period. A loop that waits, for work or for an input, does what it should. Returns a function that stops it.
 */
export function feedWatchdog(notify: Notify, clock: Clock, loop: Pick<DirtyLoop, 'actingSince'>, log: Log): () => void {
  const period = notify.watchdogMs
  if (period === undefined) return () => {}
  let cancel = () => {}
  let told: number | undefined
  const look = () => {
    cancel = clock.after(period / 2, look)
    const { actingSince } = loop
    const stuck = actingSince !== undefined && clock.now() - actingSince >= period
    if (!stuck) return notify.watchdog()
    if (told === actingSince) return
    told = actingSince
    const reason = `a pass has not come to its end for ${Math.round((clock.now() - actingSince) / 1000)} s`
    log.error('the watchdog is not fed any more', { err: new CrossportError('PASS_STUCK', reason) })
  }
  look()
  return () => cancel()
}

/** WATCHDOG_USEC applies only to the process that WATCHDOG_PID names, or to any when it names none. */
function watchdogMs(env: NodeJS.ProcessEnv): number | undefined {
  const microseconds = Number(env.WATCHDOG_USEC ?? '')
  const pid = env.WATCHDOG_PID
  if (!(microseconds > 0) || (pid !== undefined && pid !== String(process.pid))) return undefined
  return microseconds / 1000
}

function sender(log: Log): (state: string) => number {
  const library: Libsystemd | Error = loadLibsystemd()
  if (!(library instanceof Error)) return state => library.notify(state)
  log.warn('libsystemd cannot be loaded: the service manager will not hear that we are ready; install libsystemd0', {
    err: library,
  })
  return () => 0
}

const oneLine = (text: string) => text.replace(/\s+/g, ' ')
