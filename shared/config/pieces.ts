import { setImmediate } from 'node:timers/promises'

/** Milliseconds of work after which other work gets a turn. */
const TURN = 5

/** Runs work in pieces to its end without a pause. */
export function finish<T>(work: Generator<void, T>): T {
  for (;;) {
    const { done, value } = work.next()
    if (done) return value
  }
}

/** Runs work in pieces, and lets other work run in between. */
export async function finishInTurns<T>(work: Generator<void, T>): Promise<T> {
  let since = performance.now()
  for (;;) {
    const { done, value } = work.next()
    if (done) return value
    if (performance.now() - since < TURN) continue
    await setImmediate()
    since = performance.now()
  }
}
