import { attemptAll } from './attempt-all.ts'

/** The newest value of something that changes, with a subscription to its changes. */
export interface Reading<T> {
  get(): T
  /** Calls `listener` after each change; the listener reads the value itself. Returns a function that ends this. */
  subscribe(listener: () => void): () => void
}

/** A value that one part of a daemon writes and the others read. */
export interface Cell<T> extends Reading<T> {
  /**
   * Setting the same value (`Object.is`) is no change. Listeners are called before this returns, in the order of their
   * subscription. Throws as `Topic.publish` does.
   */
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

/** Events, such as a packet that the switch sends up. A later subscriber does not get earlier events. */
export interface Topic<T> {
  /**
   * Calls all listeners before it returns, in the order of their subscription. One that throws keeps the event from no other; then
   * its error is thrown, or an AggregateError of several.
   */
  publish(event: T): void
  /** Returns a function that ends this. The same function may subscribe more than once. */
  subscribe(listener: (event: T) => void): () => void
}

export function createTopic<T>(): Topic<T> {
  const listeners = new Set<{ readonly hear: (event: T) => void }>()
  return {
    publish: event => {
      // A listener may unsubscribe, or another subscribe, during the calls.
      const errors = attemptAll([...listeners], listener => {
        if (listeners.has(listener)) listener.hear(event)
      })
      if (errors.length > 1) throw new AggregateError(errors, `${errors.length} listeners have failed`)
      if (errors.length === 1) throw errors[0]
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
