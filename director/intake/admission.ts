import type { Clock } from '../../shared/run/clock.ts'

/** A connection that has been accepted (net.Socket). */
export interface Connection {
  readonly remoteAddress?: string | undefined
  readonly remotePort?: number | undefined
  readonly bytesRead: number
  destroy(): void
  once(event: 'close', listener: () => void): unknown
}

/**
 * Keeps bounds on connections whose other end has not said who it is: in number, in time, and in what they have sent. Where there
 * are too many, the address that has most of them gives one up, so whoever comes from another address is served.
 * `peer` is a connection as gRPC names it (ServerCall.getPeer).
 */
export interface Admission {
  /** Returns whether it may stay; one that may not is destroyed. */
  arrived(connection: Connection): boolean
  /** A stream has begun on it: from now on the patience with streams counts. */
  begun(peer: string): void
  /** Its other end has registered. */
  admitted(peer: string): void
  /** A stream has ended; with its last one the connection waits anew. */
  ended(peer: string): void
  close(): void
}

export const ADMISSION = {
  /** Connections that wait at a time. */
  most: 1024,
  /** Bytes that those have sent, together. One may send as much as the largest registration has. */
  bytes: 256 << 20,
  /** Time for the handshakes of TCP, TLS and HTTP/2, until a stream begins. */
  patienceMs: 15_000,
} as const

const LOOK_MS = 250

interface Waiting {
  readonly peer: string
  readonly address: string
  readonly connection: Connection
  /** Waiting for a stream since then; undefined: there is one. */
  since: number | undefined
  /** What it had sent before. */
  base: number
  streams: number
}

export function createAdmission(
  clock: Clock,
  limits: Readonly<Record<keyof typeof ADMISSION, number>> = ADMISSION,
): Admission {
  const connections = new Map<string, Waiting>()
  /** By address, in the order of their arrival. */
  const waiting = new Map<string, Set<Waiting>>()
  let count = 0
  let cancel: (() => void) | undefined

  const add = (one: Waiting) => {
    const there = waiting.get(one.address)
    if (there === undefined) waiting.set(one.address, new Set([one]))
    else there.add(one)
    count++
    look()
  }
  const remove = (one: Waiting) => {
    const there = waiting.get(one.address)
    if (there?.delete(one) !== true) return
    count--
    if (there.size === 0) waiting.delete(one.address)
  }
  const drop = (one: Waiting) => {
    connections.delete(one.peer)
    remove(one)
    one.connection.destroy()
  }
  const sent = (these: Iterable<Waiting>) => {
    let bytes = 0
    for (const { connection, base } of these) bytes += connection.bytesRead - base
    return bytes
  }
  const largest = (measure: (these: Set<Waiting>) => number): Set<Waiting> => {
    let [most, found] = [-1, new Set<Waiting>()]
    for (const these of waiting.values()) {
      const size = measure(these)
      if (size > most) [most, found] = [size, these]
    }
    return found
  }
  const all = () => [...waiting.values()].flatMap(these => [...these])

  const judge = () => {
    const now = clock.now()
    for (const one of all()) if (one.since !== undefined && now - one.since > limits.patienceMs) drop(one)
    let bytes = sent(all())
    while (bytes > limits.bytes) {
      const these = largest(sent)
      bytes -= sent(these)
      for (const one of [...these]) drop(one)
    }
  }
  /** Looks as long as there is somebody to look at. */
  const look = () => {
    if (cancel !== undefined || count === 0) return
    cancel = clock.after(LOOK_MS, () => {
      cancel = undefined
      judge()
      look()
    })
  }

  return {
    arrived: connection => {
      const { remoteAddress: address, remotePort } = connection
      // It has gone already.
      if (address === undefined) return false
      const peer = `${address}:${remotePort}`
      const one: Waiting = { peer, address, connection, since: clock.now(), base: 0, streams: 0 }
      connections.set(peer, one)
      add(one)
      connection.once('close', () => {
        remove(one)
        if (connections.get(peer) === one) connections.delete(peer)
      })
      // The newest: those before it have got further.
      if (count > limits.most) drop([...largest(these => these.size)].at(-1)!)
      return connections.has(peer)
    },
    begun: peer => {
      const one = connections.get(peer)
      if (one === undefined) return
      one.streams++
      one.since = undefined
    },
    admitted: peer => {
      const one = connections.get(peer)
      if (one !== undefined) remove(one)
    },
    ended: peer => {
      const one = connections.get(peer)
      if (one === undefined || --one.streams > 0) return
      remove(one)
      Object.assign(one, { since: clock.now(), base: one.connection.bytesRead })
      add(one)
    },
    close: () => cancel?.(),
  }
}
