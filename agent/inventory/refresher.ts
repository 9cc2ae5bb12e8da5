export interface Refresher {
  /** Reads this one anew; a mark during its reading makes it be read once more. */
  mark(key: string): void
  /** Resolves when nothing is marked or being read. */
  idle(): Promise<void>
}

export interface RefresherOptions<T> {
  read(key: string): Promise<T>
  done(key: string, value: T): void
  failed(key: string, error: unknown): void
  /** Default 2: each reading is two calls, and libvirtd serves five at once. */
  readonly parallel?: number
}

/** Reads what is marked, each key once at a time. */
export function createRefresher<T>({ read, done, failed, parallel = 2 }: RefresherOptions<T>): Refresher {
  const marked = new Set<string>()
  const reading = new Set<string>()
  let idleWaiters: (() => void)[] = []

  const settle = () => {
    if (marked.size > 0 || reading.size > 0) return
    for (const resolve of idleWaiters) resolve()
    idleWaiters = []
  }

  const readOne = async (key: string) => {
    marked.delete(key)
    reading.add(key)
    try {
      done(key, await read(key))
    } catch (error) {
      failed(key, error)
    } finally {
      reading.delete(key)
      next()
      settle()
    }
  }

  const next = () => {
    for (const key of marked) {
      if (reading.size >= parallel) return
      if (!reading.has(key)) void readOne(key)
    }
  }

  return {
    mark: key => {
      marked.add(key)
      next()
    },
    idle: () => {
      if (marked.size === 0 && reading.size === 0) return Promise.resolve()
      return new Promise(resolve => idleWaiters.push(resolve))
    },
  }
}
