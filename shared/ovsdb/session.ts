import type { Duplex } from 'node:stream'
import { CrossportError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Clock } from '../run/clock.ts'
import { createJsonFramer } from './json-framer.ts'
import { textOf } from './text.ts'

export interface SessionOptions {
  readonly log: Log
  readonly clock: Clock
  /** Bound on one message from the peer, and on the queue of messages to it. Default 64 MiB. */
  readonly maxBytes?: number
  /** Bytes came in. */
  onActivity?(): void
  /** Called once when the session ends other than by `close`; every open call has been rejected by then. */
  onLost?(reason: CrossportError): void
}

export type NotificationListener = (method: string, params: readonly unknown[]) => void

/** JSON-RPC 1.0 over one open stream (RFC 7047 section 4). */
export interface Session {
  /**
   * Rejects with OVSDB_CALL_FAILED (the peer's `error`, in `fields.error`), OVSDB_TIMEOUT after `timeoutMs`
   * (default 10 s) or OVSDB_UNREACHABLE when the session ends first.
   */
  call(method: string, params: readonly unknown[], timeoutMs?: number): Promise<unknown>
  /** The same as `call`, but `answer` runs before any later message is read; a monitor's first answer needs this. */
  request(method: string, params: readonly unknown[], answer: Answer, timeoutMs?: number): void
  /** Sends an echo request; its answer only counts as activity. */
  probe(): void
  /** Returns the function that stops listening. */
  listen(listener: NotificationListener): () => void
  close(reason?: CrossportError): void
}

export type Answer = (result: unknown, error: CrossportError | undefined) => void

const DEFAULT_MAX_BYTES = 64 * 1024 * 1024
const DEFAULT_TIMEOUT_MS = 10_000

export function createSession(stream: Duplex, options: SessionOptions): Session {
  const { log, clock, maxBytes = DEFAULT_MAX_BYTES } = options
  const framer = createJsonFramer(maxBytes)
  const pending = new Map<number, { answer: Answer; cancel: () => void }>()
  const listeners = new Set<NotificationListener>()
  let nextId = 0
  let ended = false

  const close = (reason = new CrossportError('OVSDB_UNREACHABLE', 'the connection to ovsdb-server was closed')) => {
    if (ended) return
    ended = true
    listeners.clear()
    stream.destroy()
    for (const { answer, cancel } of pending.values()) {
      cancel()
      answer(undefined, reason)
    }
    pending.clear()
  }
  const lose = (reason: CrossportError) => {
    if (ended) return
    close(reason)
    options.onLost?.(reason)
  }

  const send = (message: object) => {
    stream.write(JSON.stringify(message))
    if (stream.writableLength > maxBytes) lose(protocolError('does not read what it is sent'))
  }

  const receive = (message: object) => {
    const { id, method, params, result, error } = message as Record<string, unknown>
    if (typeof method === 'string') {
      if (!Array.isArray(params)) throw protocolError(`params of ${method} are not an array`)
      if (id === null || id === undefined) {
        for (const listener of listeners) listener(method, params)
      } else if (method === 'echo') {
        send({ id, result: params, error: null })
      } else {
        log.debug('ovsdb: request of unknown method', { method })
        send({ id, result: null, error: 'unknown method' })
      }
    } else if (typeof id === 'number' && pending.has(id)) {
      const { answer, cancel } = pending.get(id)!
      pending.delete(id)
      cancel()
      answer(result, error === null || error === undefined ? undefined : callFailed(error))
    } else {
      // An answer that arrives after its call's timeout is not known either.
      log.debug('ovsdb: answer to an unknown request', { id })
    }
  }

  stream.on('data', (chunk: Buffer) => {
    options.onActivity?.()
    try {
      for (const message of framer.push(chunk)) {
        if (ended) return
        receive(message)
      }
    } catch (error) {
      if (error instanceof CrossportError) return lose(error)
      // Nothing that a peer sends may end the daemon, so an unexpected exception ends only the session.
      log.error('ovsdb: a message could not be handled', { err: error as Error })
      lose(new CrossportError('OVSDB_PROTOCOL', 'ovsdb peer: a message could not be handled', { cause: error }))
    }
  })
  stream.on('error', cause => lose(unreachable(`the connection to ovsdb-server broke: ${cause.message}`, cause)))
  stream.on('close', () => lose(unreachable('ovsdb-server closed the connection')))

  const request: Session['request'] = (method, params, answer, timeoutMs = DEFAULT_TIMEOUT_MS) => {
    if (ended) return answer(undefined, unreachable('not connected to ovsdb-server'))
    const id = nextId++
    const cancel = clock.after(timeoutMs, () => {
      pending.delete(id)
      answer(undefined, new CrossportError('OVSDB_TIMEOUT', `ovsdb-server did not answer ${method} in ${timeoutMs} ms`))
    })
    pending.set(id, { answer, cancel })
    send({ id, method, params })
  }

  return {
    request,
    call: (method, params, timeoutMs) =>
      new Promise((resolve, reject) => {
        request(method, params, (result, error) => (error === undefined ? resolve(result) : reject(error)), timeoutMs)
      }),
    probe: () => {
      if (!ended) send({ id: 'probe', method: 'echo', params: [] })
    },
    listen: listener => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    close,
  }
}

function protocolError(what: string): CrossportError {
  return new CrossportError('OVSDB_PROTOCOL', `ovsdb peer: ${what}`)
}

function unreachable(message: string, cause?: unknown): CrossportError {
  return new CrossportError('OVSDB_UNREACHABLE', message, { cause })
}

/** RFC 7047 section 3.1, <error>; servers also answer with a bare string. */
function callFailed(error: unknown): CrossportError {
  const { error: name, details } = typeof error === 'object' && error !== null ? (error as Record<string, unknown>) : {}
  const text = textOf(name ?? error)
  const message = details === undefined ? text : `${text}: ${textOf(details)}`
  return new CrossportError('OVSDB_CALL_FAILED', `ovsdb-server: ${message}`, { fields: { error: text } })
}
