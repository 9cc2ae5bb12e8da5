/** Something that was removed, as an outlet sees it. */
export interface Removal<T> {
  readonly key: string
  /** The item as it was when it was removed. */
  readonly item: T
  /** The item has come back before the outlet took its removal. */
  readonly back: boolean
}

/** Removed items, kept for each outlet of a daemon's pass until that outlet has taken them. */
export interface Removals<T> {
  /** `outlet` must take every removal from now on. Throws when the name is there already. */
  register(outlet: string): void
  /** `outlet` takes nothing any more; what it has not taken is forgotten. */
  unregister(outlet: string): void
  /** The item was removed. */
  put(key: string, item: T): void
  /** The item has come back. Outlets that have taken its removal already do not see this here. */
  back(key: string): void
  /** The removals that `outlet` has not taken yet, oldest first. */
  pending(outlet: string): readonly Removal<T>[]
  /** `outlet` has taken these removals, which `pending` returned. An item that was removed or came back since stays pending. */
  taken(outlet: string, removals: readonly Removal<T>[]): void
  /** True when an outlet has not taken this removal. */
  has(key: string): boolean
}

/**
 * A pass that fails after it has found removals must not lose them: the next pass finds every removal that an outlet has not
 * taken. An item is forgotten only when every outlet has taken it.
 */
export function createRemovals<T>(outlets: readonly string[] = []): Removals<T> {
  const untaken = new Map<string, Map<string, Removal<T>>>()
  const register = (outlet: string) => {
    if (untaken.has(outlet)) throw new Error(`two outlets are called ${outlet}`)
    untaken.set(outlet, new Map())
  }
  for (const outlet of outlets) register(outlet)
  const of = (outlet: string) => {
    const found = untaken.get(outlet)
    if (found === undefined) throw new Error(`no outlet is called ${outlet}`)
    return found
  }
  return {
    register,
    unregister: outlet => void untaken.delete(outlet),
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
