import type { Clock } from '../../../shared/run/clock.ts'

export interface FakeClock extends Clock {
  /** Moves time forward and runs due timers in order; promises settle between them. */
  advance(ms: number): Promise<void>
  readonly pending: number
}

export function fakeClock(): FakeClock {
  let now = 0
  let timers: { at: number; fn: () => void }[] = []
  const settle = async () => {
    for (let i = 0; i < 60; i++) await Promise.resolve()
  }
  return {
    now: () => now,
    wall: () => new Date(now),
    after: (ms, fn) => {
      const timer = { at: now + ms, fn }
      timers.push(timer)
      return () => {
        timers = timers.filter(t => t !== timer)
      }
    },
    get pending() {
      return timers.length
    },
    async advance(ms) {
      const end = now + ms
      await settle()
      for (;;) {
        const next = timers.filter(t => t.at <= end).sort((a, b) => a.at - b.at)[0]
        if (next === undefined) break
        timers = timers.filter(t => t !== next)
        now = Math.max(now, next.at)
        next.fn()
        await settle()
      }
      now = end
    },
  }
}
