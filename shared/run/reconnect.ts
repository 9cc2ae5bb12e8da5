/**
 * Decides when to connect, when to probe and when to give up: the state machine of Open vSwitch's reconnect(3)
 * (python/ovs/reconnect.py), without I/O. Time comes in as `now`, in milliseconds of any monotonic clock. keep-connected.ts
 * drives it with sockets and timers.
 */
export type ReconnectState = 'void' | 'backoff' | 'connecting' | 'active' | 'idle'

/** What the owner of the connection must do now. `probe`: send an echo request. */
export type ReconnectTask = 'connect' | 'disconnect' | 'probe'

export interface ReconnectOptions {
  /** Wait before the first retry after a connection that lasted, or after the very first failure. Default 100 ms. */
  readonly fastRetry?: number
  /** Wait before the second retry; doubles from there. Default 1 s. */
  readonly minBackoff?: number
  readonly maxBackoff?: number
  /**
   * Silence after which a probe is sent, and further silence after which the connection counts as dead; 0: never probe. Default 5
   * s.
   */
  readonly probeInterval?: number
  /** How long one attempt to connect may take. Default 5 s. */
  readonly connectTimeout?: number
}

/**
 * Options for a socket on this machine: an attempt costs next to nothing, and the peer is needed as soon as it answers, even
 * after a minute.
 */
export const LOCAL_RECONNECT: ReconnectOptions = { fastRetry: 25, minBackoff: 50, maxBackoff: 100 }

export interface Reconnect {
  readonly state: ReconnectState
  /** Failed attempts since the last connection that lasted. */
  readonly failures: number
  /** Begins; the first attempt is due at once. */
  start(now: number): void
  /** Stops: the state becomes void, and `task` returns nothing any more. */
  stop(now: number): void
  connecting(now: number): void
  connected(now: number): void
  /** The attempt has failed or the connection was lost. */
  disconnected(now: number): void
  /** Bytes came in. */
  activity(now: number): void
  /** Skips the rest of the backoff. */
  hurry(now: number): void
  /** The task at `now`. A probe is returned once, because it changes the state to idle. */
  task(now: number): ReconnectTask | undefined
  /** Milliseconds until `task` returns something; undefined when only an event can cause that. */
  wait(now: number): number | undefined
}

export function createReconnect(options: ReconnectOptions = {}): Reconnect {
  const { fastRetry = 100, minBackoff = 1000, maxBackoff = 8000, probeInterval = 5000, connectTimeout = 5000 } = options
  let state: ReconnectState = 'void'
  let since = 0
  let lastActivity = 0
  let upSince = 0
  let backoff = 0
  let failures = 0

  const enter = (next: ReconnectState, now: number) => {
    state = next
    since = now
  }
  const isUp = () => state === 'active' || state === 'idle'

  const deadline = (): number | undefined => {
    if (state === 'backoff') return since + backoff
    if (state === 'connecting') return since + connectTimeout
    if (probeInterval === 0) return undefined
    if (state === 'active') return Math.max(since, lastActivity) + probeInterval
    if (state === 'idle') return since + probeInterval
    return undefined
  }

  return {
    get state() {
      return state
    },
    get failures() {
      return failures
    },
    start(now) {
      if (state !== 'void') return
      backoff = 0
      failures = 0
      enter('backoff', now)
    },
    stop(now) {
      enter('void', now)
    },
    connecting(now) {
      if (state === 'backoff') enter('connecting', now)
    },
    connected(now) {
      if (state !== 'connecting') return
      lastActivity = now
      upSince = now
      enter('active', now)
    },
    disconnected(now) {
      if (state === 'void' || state === 'backoff') return
      // A peer that accepts and closes at once must not be dialled without a pause, so only a connection that lasted resets the
      // backoff.
      if (isUp() && now - upSince >= Math.max(backoff, minBackoff)) {
        backoff = 0
        failures = 0
      }
      failures++
      backoff = backoff === 0 ? fastRetry : Math.min(Math.max(backoff * 2, minBackoff), maxBackoff)
      enter('backoff', now)
    },
    activity(now) {
      lastActivity = now
      if (state === 'idle') enter('active', now)
    },
    hurry(now) {
      if (state === 'backoff') since = now - backoff
    },
    task(now) {
      const due = deadline()
      if (due === undefined || now < due) return undefined
      if (state === 'backoff') return 'connect'
      if (state === 'active') {
        enter('idle', now)
        return 'probe'
      }
      return 'disconnect'
    },
    wait(now) {
      const due = deadline()
      return due === undefined ? undefined : Math.max(0, due - now)
    },
  }
}
