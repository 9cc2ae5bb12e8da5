import type { Log } from '../log.ts'
import type { Clock } from './clock.ts'

export interface DirtyLoopOptions {
  readonly clock: Clock
  readonly log: Log
  /**
   * The only function that acts. It reads the newest snapshots of its inputs itself; `reasons` (distinct, oldest first) are for
   * the log. When it rejects, the loop stays dirty and tries again. The signal aborts when the loop is stopped.
   */
  act(signal: AbortSignal, reasons: readonly string[]): Promise<void>
  /** The gate: what is not in sync yet, or undefined. Called at every mark; the loop does not act until it returns undefined. */
  gate?(): string | undefined
  /** Time from the first mark to the act, so that a burst of marks leads to one act. Default 5 ms. */
  readonly coalesceMs?: number
  /** Least time between the starts of two acts. Default 0. */
  readonly throttleMs?: number
  /** First wait after a failure; doubles up to `retryMaxMs`. Defaults 100 ms and 10 s. */
  readonly retryMinMs?: number
  readonly retryMaxMs?: number
}

export interface DirtyLoop {
  readonly dirty: boolean
  readonly acting: boolean
  /** When the act that is under way began, in milliseconds of the clock; undefined when none is. */
  readonly actingSince: number | undefined
  /** Number of failures since the last success. */
  readonly failures: number
  readonly lastError: Error | undefined
  /** What the gate waits for. */
  readonly waitingFor: string | undefined
  /** Something may have changed. Cheap, never throws, may be called from anywhere. */
  mark(reason: string): void
  /** Resolves once the loop is neither dirty nor acting. */
  idle(): Promise<void>
  /** Aborts the act under way and resolves when it has ended. Marks are ignored from here on. */
  stop(): Promise<void>
}

/**
 * One level-triggered loop: watchers mark it, and only the loop acts, one act at a time. A mark during an act leads to one more
 * act. A mark during a retry's backoff leads to an act after at most `retryMinMs`, because the change may have removed the cause.
 */
export function createDirtyLoop(options: DirtyLoopOptions): DirtyLoop {
  const { clock, log, coalesceMs = 5, throttleMs = 0, retryMinMs = 100, retryMaxMs = 10_000 } = options
  const stopping = new AbortController()
  let reasons = new Set<string>()
  let firstMark = 0
  let lastStart = Number.NEGATIVE_INFINITY
  let lastFailure = Number.NEGATIVE_INFINITY
  let retryAt = Number.NEGATIVE_INFINITY
  let failures = 0
  let lastError: Error | undefined
  let acting: Promise<void> | undefined
  let waitingFor: string | undefined
  let cancelTimer = () => {}
  let waiters: (() => void)[] = []

  const settle = () => {
    if (reasons.size > 0 || acting !== undefined) return
    const woken = waiters
    waiters = []
    for (const wake of woken) wake()
  }

  const schedule = () => {
    cancelTimer()
    if (reasons.size === 0 || acting !== undefined || stopping.signal.aborted) return
    const at = Math.max(firstMark + coalesceMs, lastStart + throttleMs, retryAt)
    cancelTimer = clock.after(Math.max(0, at - clock.now()), begin)
  }

  const gateIsOpen = () => {
    const missing = options.gate?.()
    if (missing !== waitingFor) log.debug(missing === undefined ? 'in sync' : `waiting for ${missing}`)
    waitingFor = missing
    return missing === undefined
  }

  const begin = () => {
    if (!gateIsOpen()) return
    const taken = reasons
    reasons = new Set()
    lastStart = clock.now()
    acting = Promise.resolve()
      .then(() => options.act(stopping.signal, [...taken]))
      .then(
        () => {
          failures = 0
          lastError = undefined
          retryAt = Number.NEGATIVE_INFINITY
        },
        (error: unknown) => failed(error, taken),
      )
      .finally(() => {
        acting = undefined
        schedule()
        settle()
      })
  }

  const failed = (error: unknown, taken: ReadonlySet<string>) => {
    lastError = error instanceof Error ? error : new Error(String(error))
    if (stopping.signal.aborted) return
    const marked = reasons.size > 0
    reasons = new Set([...taken, ...reasons])
    const wait = Math.min(retryMinMs * 2 ** failures, retryMaxMs)
    failures++
    lastFailure = clock.now()
    firstMark = lastFailure
    retryAt = lastFailure + (marked ? retryMinMs : wait)
    log.warn(`the attempt has failed; trying again in ${retryAt - lastFailure} ms`, { err: lastError, failures })
  }

  return {
    get dirty() {
      return reasons.size > 0
    },
    get acting() {
      return acting !== undefined
    },
    get actingSince() {
      return acting === undefined ? undefined : lastStart
    },
    get failures() {
      return failures
    },
    get lastError() {
      return lastError
    },
    get waitingFor() {
      return waitingFor
    },
    mark: reason => {
      if (stopping.signal.aborted) return
      if (reasons.size === 0) firstMark = clock.now()
      reasons.add(reason)
      if (acting === undefined) retryAt = Math.min(retryAt, lastFailure + retryMinMs)
      schedule()
    },
    idle: () =>
      new Promise(resolve => {
        waiters.push(resolve)
        settle()
      }),
    stop: async () => {
      cancelTimer()
      stopping.abort(new Error('stopped'))
      await acting
      reasons.clear()
      settle()
    },
  }
}
