/** The newest value of something that changes, and a way to hear of each change. */
export interface Reading<T> {
  get(): T
  /** `listener` is called after each change, and reads the value itself. Returns what ends that. */
  subscribe(listener: () => void): () => void
}

/** A value that one part of a daemon writes and the others read. */
export interface Cell<T> extends Reading<T> {
  /** The same value again (`Object.is`) is no change. Listeners are called before this returns, in the order in which they came. */
  set(value: T): void
}

export function createCell<T>(initial: T): Cell<T> {
  const changes = createTopic<void>()
  let value = initial
  return {
    get: () => value,
    set: next => {
      if (Object.is(next, value)) return
      value = next
      changes.publish()
    },
    subscribe: changes.subscribe,
  }
}

/** Things that happen and are over, such as a packet that the switch hands up: nothing is kept for those who come later. */
export interface Topic<T> {
  /** Calls all listeners before it returns, in the order in which they came. */
  publish(event: T): void
  /** Returns what ends that. The same function may listen more than once. */
  subscribe(listener: (event: T) => void): () => void
}

export function createTopic<T>(): Topic<T> {
  const listeners = new Set<{ readonly hear: (event: T) => void }>()
  return {
    publish: event => {
      // A listener may leave, or another come, while they are called.
      for (const listener of [...listeners]) if (listeners.has(listener)) listener.hear(event)
    },
    subscribe: hear => {
      const listener = { hear }
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
      }
    },
  }
}
