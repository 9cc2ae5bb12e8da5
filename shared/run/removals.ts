/** Something that is gone, as one outlet is told of it. */
export interface Removal<T> {
  readonly key: string
  /** As it was when it went. */
  readonly item: T
  /** It is there again, and the outlet had not taken its removal before that. */
  readonly back: boolean
}

/** What is gone, kept for each outlet of a daemon's pass until that outlet has taken it. */
export interface Removals<T> {
  /** `outlet` has to take every removal that is put in from now on. */
  register(outlet: string): void
  /** The item is gone. */
  put(key: string, item: T): void
  /** The item is there again. Who has taken its removal already is not told of it here. */
  back(key: string): void
  /** What `outlet` has not taken yet, in the order in which it went. */
  pending(outlet: string): readonly Removal<T>[]
  /** `outlet` is done with these, as `pending` gave them. One that has gone or come back since then stays pending. */
  taken(outlet: string, removals: readonly Removal<T>[]): void
  /** Some outlet has not taken this removal. */
  has(key: string): boolean
}

/**
 * A pass that fails after it has learnt what is gone must not lose it: what nobody has taken is still here for the next
 * pass, and an item is forgotten only when every outlet has taken it.
 */
export function createRemovals<T>(outlets: readonly string[] = []): Removals<T> {
  const untaken = new Map<string, Map<string, Removal<T>>>()
  const register = (outlet: string) => void untaken.set(outlet, new Map())
  for (const outlet of outlets) register(outlet)
  const of = (outlet: string) => {
    const found = untaken.get(outlet)
    if (found === undefined) throw new Error(`no outlet is called ${outlet}`)
    return found
  }
  return {
    register,
    put: (key, item) => {
      for (const waiting of untaken.values()) {
        waiting.delete(key)
        waiting.set(key, { key, item, back: false })
      }
    },
    back: key => {
      for (const waiting of untaken.values()) {
        const found = waiting.get(key)
        if (found !== undefined && !found.back) waiting.set(key, { ...found, back: true })
      }
    },
    pending: outlet => [...of(outlet).values()],
    taken: (outlet, removals) => {
      const waiting = of(outlet)
      for (const removal of removals) if (waiting.get(removal.key) === removal) waiting.delete(removal.key)
    },
    has: key => untaken.values().some(waiting => waiting.has(key)),
  }
}
