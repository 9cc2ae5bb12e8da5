/** Time as an input, so that tests can drive it. `now` is monotonic milliseconds; `wall` is for display only. */
export interface Clock {
  now(): number
  wall(): Date
  /** Calls `fn` once after `ms`; the returned function cancels. */
  after(ms: number, fn: () => void): () => void
}

export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => new Date(),
  after: (ms, fn) => {
    const timer = setTimeout(fn, ms)
    return () => clearTimeout(timer)
  },
}
