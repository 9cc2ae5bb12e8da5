import type { Topic } from './cell.ts'
import type { Clock } from './clock.ts'

/** When to start what the first pass does not need, so that it does not delay the first pass. */
export interface LateStart {
  /** Resolves when the first pass has ended, with or without success, or does not come for long. */
  readonly due: Promise<void>
  close(): void
}

export interface LateStartOptions {
  readonly clock: Clock
  /** A pass has ended. */
  readonly passed: Pick<Topic<void>, 'subscribe'>
  /** True while the process works on its first pass or towards it. */
  busy(): boolean
}

/** A process that only waits for others starts the rest after this time; a busy one is checked again later. */
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
