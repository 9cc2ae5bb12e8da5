/** Values that several parts put in and one takes out. */
export interface Inbox<T> {
  put(values: Iterable<T>): void
  /** Returns all values, each once, and empties the inbox. */
  takeAll(): ReadonlySet<T>
}

export function createInbox<T>(): Inbox<T> {
  let values = new Set<T>()
  return {
    put: more => {
      for (const value of more) values.add(value)
    },
    takeAll: () => {
      const taken = values
      values = new Set()
      return taken
    },
  }
}
