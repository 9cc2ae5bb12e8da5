import { connect as dial, type Socket } from 'node:net'
import { CrossportError } from '../errors.ts'
import type { Log } from '../log.ts'
import { createFramer } from '../openflow/framer.ts'
import { TYPE, VERSION } from '../openflow/header.ts'
import { encodeEchoReply, encodeEchoRequest, encodeHello } from '../openflow/messages.ts'
import type { ConnectEvents, Connection } from '../run/keep-connected.ts'
import { checkHello, type Frame, toFrame } from './frame.ts'

/** One OpenFlow connection over a unix socket: agrees on the version, answers echo requests, and matches replies by xid. */
export interface OpenFlowConnection extends Connection {
  /** Takes a transaction id for a message that has no answer. */
  take(): number
  /** Takes `count` consecutive transaction ids. Messages with one of these ids go to the handler until `end`. */
  transact(count: number, handler: TransactionHandler): Transaction
  /** Resolves at once or, when the socket is full, once it has drained or was lost. */
  write(bytes: Uint8Array): Promise<void> | undefined
}

export interface TransactionHandler {
  message(frame: Frame): void
  /** The connection has ended before the transaction. */
  lost(error: CrossportError): void
}

export interface Transaction {
  /** The first of the ids. */
  readonly xid: number
  end(): void
}

export interface ConnectOptions {
  readonly path: string
  readonly log: Log
  readonly events: ConnectEvents
  readonly signal: AbortSignal
  /** Called with messages that answer no request. */
  unsolicited(frame: Frame): void
}

/**
 * Dials and agrees on OpenFlow 1.5 (HELLO with version bitmap, OpenFlow 1.5.1, 6.3.1). Rejects with SWITCH_DOWN when no process
 * listens, with SWITCH_PROTOCOL when the peer does not speak 1.5. Bytes that are not OpenFlow end the connection.
 */
export function connectOpenFlow(options: ConnectOptions): Promise<OpenFlowConnection> {
  const { path, events, signal, log } = options
  const socket = dial(path)
  const transactions = createTransactions()
  let hello: ((frame: Frame) => void) | undefined
  let lost = false

  const end = (error: CrossportError) => {
    if (lost) return
    lost = true
    socket.destroy()
    transactions.lose(error)
    events.lost(error.message)
  }

  const receive = (frame: Frame) => {
    if (hello !== undefined) return hello(frame)
    if (frame.bytes[0] !== VERSION)
      throw new CrossportError('SWITCH_PROTOCOL', `a message of version ${frame.bytes[0]}`)
    if (frame.type === TYPE.ECHO_REQUEST) return void socket.write(encodeEchoReply(frame.xid, frame.bytes.subarray(8)))
    if (frame.type === TYPE.ECHO_REPLY) return
    if (!transactions.deliver(frame)) options.unsolicited(frame)
  }

  return new Promise((resolve, reject) => {
    const fail = (error: CrossportError) => {
      reject(error)
      end(error)
    }
    const framer = createFramer()
    hello = frame => {
      const error = checkHello(frame)
      if (error !== undefined) return fail(error)
      hello = undefined
      log.debug('OpenFlow 1.5 agreed on')
      resolve(connection(socket, transactions, () => lost))
    }
    socket.on('connect', () => socket.write(encodeHello(transactions.take(1))))
    socket.on('data', (chunk: Buffer) => {
      events.activity()
      try {
        for (const bytes of framer.push(chunk)) if (!lost) receive(toFrame(bytes))
      } catch (cause) {
        fail(
          new CrossportError('SWITCH_PROTOCOL', `unreadable message from ${path}: ${(cause as Error).message}`, {
            cause,
          }),
        )
      }
    })
    socket.on('error', cause => fail(new CrossportError('SWITCH_DOWN', `${path}: ${cause.message}`, { cause })))
    socket.on('close', () => fail(new CrossportError('SWITCH_DOWN', `${path}: connection closed`)))
    const aborted = () => fail(new CrossportError('SWITCH_DOWN', `${path}: ${(signal.reason as Error).message}`))
    signal.addEventListener('abort', aborted, { once: true })
    if (signal.aborted) aborted()
  })
}

function connection(socket: Socket, transactions: Transactions, isLost: () => boolean): OpenFlowConnection {
  /** All who wait for a full socket wait for this. */
  let drained: Promise<void> | undefined
  const drain = () =>
    new Promise<void>(resolve => {
      const done = () => {
        socket.off('drain', done)
        socket.off('close', done)
        drained = undefined
        resolve()
      }
      socket.on('drain', done)
      socket.on('close', done)
    })
  return {
    take: () => transactions.take(1),
    transact: (count, handler) => {
      const xid = transactions.take(count)
      if (isLost()) queueMicrotask(() => handler.lost(new CrossportError('SWITCH_DOWN', 'connection closed')))
      else transactions.add(xid, count, handler)
      return { xid, end: () => transactions.remove(xid) }
    },
    write: bytes => {
      if (isLost() || socket.write(bytes)) return undefined
      drained ??= drain()
      return drained
    },
    probe: () => void socket.write(encodeEchoRequest(transactions.take(1))),
    destroy: () => void socket.destroy(),
  }
}

type Transactions = ReturnType<typeof createTransactions>

/** The handlers of open transactions, by id. Ids run from 1 to 2³²-1; messages that the switch sends unasked have 0. */
function createTransactions() {
  const open = new Map<number, { last: number; handler: TransactionHandler }>()
  let next = 1
  return {
    take(count: number): number {
      if (next + count > 0xffffffff) next = 1
      const xid = next
      next += count
      return xid
    },
    add(xid: number, count: number, handler: TransactionHandler) {
      open.set(xid, { last: xid + count - 1, handler })
    },
    remove(xid: number) {
      open.delete(xid)
    },
    deliver(frame: Frame): boolean {
      for (const [first, { last, handler }] of open) {
        if (frame.xid < first || frame.xid > last) continue
        handler.message(frame)
        return true
      }
      return false
    },
    lose(error: CrossportError) {
      const handlers = [...open.values()]
      open.clear()
      for (const { handler } of handlers) handler.lost(error)
    },
  }
}
