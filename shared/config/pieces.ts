import { setImmediate } from 'node:timers/promises'

/** How long work in pieces may go on before others get their turn, ms. */
const TURN = 5

/** Runs work in pieces to its end, at once. */
export function finish<T>(work: Generator<void, T>): T {
  for (;;) {
    const { done, value } = work.next()
    if (done) return value
  }
}

/** The same, and others get their turn between pieces. */
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
