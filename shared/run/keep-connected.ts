import type { Clock } from './clock.ts'
import { createReconnect, type ReconnectOptions } from './reconnect.ts'

/** One live connection, made by the module of its protocol. */
export interface Connection {
  /** Sends the protocol's echo request; the answer must lead to a call of `activity()`. */
  probe(): void
  /** Ends the connection at once. */
  destroy(): void
}

export interface ConnectEvents {
  /** Call for all received bytes. */
  activity(): void
  /** Call once when the connection has ended by itself, with the reason. */
  lost(reason: string): void
}

export interface KeepConnectedOptions<C extends Connection> extends ReconnectOptions {
  readonly clock: Clock
  /** Dials and does the handshake. Rejects when either fails, and must give up when the signal aborts. */
  connect(events: ConnectEvents, signal: AbortSignal): Promise<C>
  onUp(connection: C): void
  /** Called only after `onUp`. The connection has been destroyed. */
  onDown(reason: string): void
  /** An attempt failed; `retryMs` is the wait before the next one. */
  onFailure?(error: Error, retryMs: number): void
}

export interface KeptConnection<C extends Connection> {
  readonly current: C | undefined
  /** Ends the connection as broken; it is dialled again after the backoff. */
  drop(reason: string): void
  hurry(): void
  close(): void
}

/** Drives the reconnect state machine until `close`: dials, probes, times out, dials again. */
export function keepConnected<C extends Connection>(options: KeepConnectedOptions<C>): KeptConnection<C> {
  const { clock } = options
  const fsm = createReconnect(options)
  let current: C | undefined
  let attempt: AbortController | undefined
  let cancelTimer = () => {}

  /** Forgets the attempt before it is aborted, so that its failure is not reported. */
  const abandon = (error: Error) => {
    const was = { attempt, connection: current }
    attempt = undefined
    current = undefined
    was.attempt?.abort(error)
    was.connection?.destroy()
    return was.connection
  }

  const down = (reason: string, error = new Error(reason)) => {
    const was = abandon(error)
    fsm.disconnected(clock.now())
    schedule()
    if (was !== undefined) options.onDown(reason)
    else options.onFailure?.(error, fsm.wait(clock.now()) ?? 0)
  }

  const dial = () => {
    const mine = new AbortController()
    attempt = mine
    fsm.connecting(clock.now())
    const live = () => attempt === mine
    const events: ConnectEvents = {
      activity: () => {
        if (live()) fsm.activity(clock.now())
      },
      lost: reason => {
        if (live()) down(reason)
      },
    }
    const failed = (error: Error) => {
      if (live()) down(error.message, error)
    }
    options.connect(events, mine.signal).then(
      connection => {
        if (!live()) return connection.destroy()
        current = connection
        fsm.connected(clock.now())
        schedule()
        options.onUp(connection)
      },
      (error: unknown) => failed(error instanceof Error ? error : new Error(String(error))),
    )
  }

  const tick = () => {
    const task = fsm.task(clock.now())
    if (task === 'connect') dial()
    if (task === 'probe') current?.probe()
    if (task === 'disconnect')
      down(current === undefined ? 'connecting timed out' : 'no answer to the inactivity probe')
    schedule()
  }

  const schedule = () => {
    cancelTimer()
    const wait = fsm.wait(clock.now())
    // Timers may fire a fraction early, so the wait is at least 1 ms: a deadline just ahead must not cause a busy loop.
    cancelTimer = wait === undefined ? () => {} : clock.after(wait === 0 ? 0 : Math.max(1, Math.ceil(wait)), tick)
  }

  fsm.start(clock.now())
  schedule()
  return {
    get current() {
      return current
    },
    drop: reason => {
      if (attempt !== undefined) down(reason)
    },
    hurry: () => {
      fsm.hurry(clock.now())
      schedule()
    },
    close: () => {
      fsm.stop(clock.now())
      cancelTimer()
      abandon(new Error('closed'))
    },
  }
}
