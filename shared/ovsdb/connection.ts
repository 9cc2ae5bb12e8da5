import { createConnection } from 'node:net'
import { CrossportError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Clock } from '../run/clock.ts'
import { keepConnected } from '../run/keep-connected.ts'
import { LOCAL_RECONNECT, type ReconnectOptions } from '../run/reconnect.ts'
import { createSession, type Session } from './session.ts'

export interface OvsdbOptions {
  /** Path of ovsdb-server's unix socket. */
  readonly socket: string
  readonly log: Log
  readonly clock: Clock
  readonly maxBytes?: number
  readonly reconnect?: ReconnectOptions
}

export interface SessionListener {
  /** A new session is open; called at once when there is one already. */
  up(session: Session): void
  /** There is no session: the last one has ended, or an attempt has failed. */
  down(reason: string): void
}

/** A client that reconnects by itself. Everything that belongs to a session (monitors, locks) is set up anew in every `up`. */
export interface OvsdbClient {
  /** The same as Session.call; rejects with OVSDB_UNREACHABLE while there is no session. */
  call(method: string, params: readonly unknown[], timeoutMs?: number): Promise<unknown>
  /** Returns the function that stops following. */
  follow(listener: SessionListener): () => void
  /** Ends this session as broken; the next one is opened after the backoff. */
  drop(reason: string): void
  close(): void
}

export function connectOvsdb(options: OvsdbOptions): OvsdbClient {
  const { socket, log, clock } = options
  const listeners = new Set<SessionListener>()
  let reason = `connecting to ${socket}`

  const tellDown = (why: string) => {
    reason = why
    for (const listener of listeners) listener.down(why)
  }

  const kept = keepConnected({
    ...LOCAL_RECONNECT,
    ...options.reconnect,
    clock,
    connect: async (events, signal) => {
      const stream = await dial(socket, signal)
      const session = createSession(stream, {
        log,
        clock,
        ...(options.maxBytes === undefined ? {} : { maxBytes: options.maxBytes }),
        onActivity: events.activity,
        onLost: error => events.lost(error.message),
      })
      return { session, probe: session.probe, destroy: () => session.close() }
    },
    onUp: ({ session }) => {
      log.debug('ovsdb: connected', { socket })
      for (const listener of listeners) listener.up(session)
    },
    onDown: why => {
      log.warn('ovsdb: connection lost', { socket, reason: why })
      tellDown(why)
    },
    onFailure: (error, retryMs) => {
      log.debug('ovsdb: cannot connect', { socket, err: error, retryMs })
      tellDown(error.message)
    },
  })

  return {
    call: (method, params, timeoutMs) =>
      kept.current?.session.call(method, params, timeoutMs) ??
      Promise.reject(new CrossportError('OVSDB_UNREACHABLE', `not connected to ovsdb-server: ${reason}`)),
    follow: listener => {
      listeners.add(listener)
      if (kept.current !== undefined) listener.up(kept.current.session)
      return () => listeners.delete(listener)
    },
    drop: why => kept.drop(why),
    close: () => {
      listeners.clear()
      kept.close()
    },
  }
}

function dial(path: string, signal: AbortSignal) {
  return new Promise<ReturnType<typeof createConnection>>((resolve, reject) => {
    const socket = createConnection({ path })
    const settle = (finish: () => void) => {
      signal.removeEventListener('abort', aborted)
      socket.removeAllListeners()
      finish()
    }
    const fail = (cause: Error) =>
      settle(() => {
        // A destroyed socket may still emit an error, which would end the process.
        socket.on('error', () => {})
        socket.destroy()
        reject(new CrossportError('OVSDB_UNREACHABLE', `cannot connect to ${path}: ${cause.message}`, { cause }))
      })
    const aborted = () => fail(signal.reason as Error)
    signal.addEventListener('abort', aborted)
    socket.once('error', fail)
    socket.once('connect', () => settle(() => resolve(socket)))
  })
}
