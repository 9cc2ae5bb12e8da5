import type { Topic } from './cell.ts'
import type { Clock } from './clock.ts'

/** When what a daemon's first pass does not need may start: it would hold that pass up. */
export interface LateStart {
  /** Resolves when the first pass has ended, whichever way, or is long in coming. */
  readonly due: Promise<void>
  close(): void
}

export interface LateStartOptions {
  readonly clock: Clock
  /** A pass has ended. */
  readonly passed: Pick<Topic<void>, 'subscribe'>
  /** The process works towards its first pass, or on it. */
  busy(): boolean
}

/** A process that only waits for others need not wait any longer with the rest; one that is busy is looked at again. */
const WAITING_MS = 1000
const AGAIN_MS = 100
const LONGEST_MS = 5000

export function createLateStart({ clock, passed, busy }: LateStartOptions): LateStart {
  const { promise: due, resolve } = Promise.withResolvers<void>()
  const begun = clock.now()
  const look = () => {
    if (busy() && clock.now() - begun < LONGEST_MS) cancel = clock.after(AGAIN_MS, look)
    else resolve()
  }
  let cancel = clock.after(WAITING_MS, look)
  const stop = passed.subscribe(resolve)
  const close = () => {
    cancel()
    stop()
  }
  void due.then(close)
  return { due, close }
}
