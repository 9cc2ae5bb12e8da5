export interface Slots {
  /** Runs `work` when a slot is free and no other work with this key runs; first come, first served among those. */
  run<T>(key: string, work: () => Promise<T>): Promise<T>
  /** Number of works that run or wait. */
  readonly size: number
  /** True when a work with this key runs or waits. */
  has(key: string): boolean
  /** Rejects the waiting works; running ones go on. */
  close(error: Error): void
}

interface Waiting {
  readonly key: string
  start(): void
  reject(error: Error): void
}

/** Runs at most `limit` works at once, and one per key. */
export function createSlots(limit: number): Slots {
  const busy = new Set<string>()
  let waiting: Waiting[] = []
  let closed: Error | undefined

  const next = () => {
    for (let i = 0; i < waiting.length && busy.size < limit; ) {
      const entry = waiting[i] as Waiting
      if (busy.has(entry.key)) i++
      else {
        waiting.splice(i, 1)
        entry.start()
      }
    }
  }

  return {
    run: (key, work) =>
      new Promise((resolve, reject) => {
        if (closed !== undefined) return reject(closed)
        const start = () => {
          busy.add(key)
          work()
            .then(resolve, reject)
            .finally(() => {
              busy.delete(key)
              next()
            })
        }
        waiting.push({ key, start, reject })
        next()
      }),
    get size() {
      return busy.size + waiting.length
    },
    has: key => busy.has(key) || waiting.some(entry => entry.key === key),
    close: error => {
      closed = error
      for (const entry of waiting) entry.reject(error)
      waiting = []
    },
  }
}
