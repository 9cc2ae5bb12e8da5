import type { Reading } from './cell.ts'
import type { Clock } from './clock.ts'

/** Rejects with the signal's reason when it aborts. Nobody has to listen. */
export function aborted(signal: AbortSignal): Promise<never> {
  const promise = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
  promise.catch(() => {})
  return promise
}

/** Resolves at the next change, or after `ms`. */
export function nextChange(changed: Pick<Reading<unknown>, 'subscribe'>, clock: Clock, ms: number): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      stop()
      cancel()
      resolve()
    }
    const stop = changed.subscribe(done)
    const cancel = clock.after(ms, done)
  })
}
