import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { tempDir } from '../cleanup.ts'

/**
 * Message types and bundle controls by number (OpenFlow 1.5.1, 7.1.1 and 7.3.9.1), written independently of the codec under test.
 */
export const TYPE = {
  HELLO: 0,
  ERROR: 1,
  ECHO_REQUEST: 2,
  ECHO_REPLY: 3,
  BARRIER: 20,
  BUNDLE_CONTROL: 33,
  BUNDLE_ADD: 34,
}
export const MULTIPART_REQUEST = 18
export const BUNDLE = { OPEN: 0, COMMIT: 4, DISCARD: 6 }

export interface Received {
  readonly version: number
  readonly type: number
  readonly xid: number
  readonly body: Buffer
  /** Received messages: `hello`, `open`, `add`, `barrier`, `commit`, `discard`, …, for comparison with an expected order. */
  readonly name: string
}

export interface Peer {
  send(type: number, xid: number, body?: Buffer, version?: number): void
  raw(bytes: Buffer): void
  error(type: number, code: number, xid: number): void
  /** A correct switch's answer to this message. */
  answer(message: Received): void
  hangUp(): void
  stopReading(): void
}

export interface FakeSwitch {
  readonly rundir: string
  readonly received: Received[]
  readonly names: string[]
  connections: number
  /** Resolves when the next message of this name arrives. */
  seen(name: string): Promise<Received>
}

/**
 * A scripted switch that is strict about order: it records all messages in `received`. `behave` answers each message; without it
 * the switch behaves correctly.
 */
export async function startFakeSwitch(
  t: ExecutionContext,
  behave: (message: Received, peer: Peer) => void = (message, peer) => peer.answer(message),
): Promise<FakeSwitch> {
  const rundir = tempDir(t)
  const sockets = new Set<Socket>()
  let waiters: { name: string; resolve: (m: Received) => void }[] = []
  const fake: FakeSwitch = {
    rundir,
    received: [],
    get names() {
      return fake.received.map(m => m.name)
    },
    connections: 0,
    seen: name => new Promise(resolve => waiters.push({ name, resolve })),
  }
  const server = createServer(socket => {
    fake.connections++
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    const peer = createPeer(socket)
    let rest: Buffer = Buffer.alloc(0)
    socket.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk])
      while (rest.length >= 8 && rest.length >= rest.readUInt16BE(2)) {
        const length = rest.readUInt16BE(2)
        const message = parse(rest.subarray(0, length))
        rest = rest.subarray(length)
        fake.received.push(message)
        behave(message, peer)
        for (const w of waiters.filter(w => w.name === message.name)) w.resolve(message)
        waiters = waiters.filter(w => w.name !== message.name)
      }
    })
  })
  await new Promise<void>(resolve => server.listen(join(rundir, 'br0.mgmt'), resolve))
  t.teardown(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise(resolve => server.close(resolve))
  })
  return fake
}

function parse(frame: Buffer): Received {
  const [version, type, xid, body] = [frame[0]!, frame[1]!, frame.readUInt32BE(4), Buffer.from(frame.subarray(8))]
  return { version, type, xid, body, name: nameOf(type, body) }
}

const BUNDLE_NAMES: Readonly<Record<number, string>> = { 0: 'open', 2: 'close', 4: 'commit', 6: 'discard' }
const NAMES: Readonly<Record<number, string>> = {
  0: 'hello',
  1: 'error',
  2: 'echo',
  3: 'echo reply',
  9: 'set config',
  13: 'packet out',
  18: 'multipart',
  20: 'barrier',
  28: 'set async',
  34: 'add',
}
function nameOf(type: number, body: Buffer): string {
  if (type === TYPE.BUNDLE_CONTROL) return BUNDLE_NAMES[body.readUInt16BE(4)] ?? 'bundle ?'
  return NAMES[type] ?? `type ${type}`
}

/** HELLO with a version bitmap of 1.5 only. */
export const HELLO_BODY = Buffer.from('0001000800000040', 'hex')

function createPeer(socket: Socket): Peer {
  const peer: Peer = {
    raw: bytes => {
      if (!socket.destroyed) socket.write(bytes)
    },
    send: (type, xid, body = Buffer.alloc(0), version = 6) => {
      const header = Buffer.alloc(8)
      header[0] = version
      header[1] = type
      header.writeUInt16BE(8 + body.length, 2)
      header.writeUInt32BE(xid, 4)
      peer.raw(Buffer.concat([header, body]))
    },
    error: (type, code, xid) => {
      const body = Buffer.alloc(4)
      body.writeUInt16BE(type, 0)
      body.writeUInt16BE(code, 2)
      peer.send(TYPE.ERROR, xid, body)
    },
    answer: ({ type, xid, body }) => {
      if (type === TYPE.HELLO) peer.send(TYPE.HELLO, xid, HELLO_BODY)
      if (type === TYPE.ECHO_REQUEST) peer.send(TYPE.ECHO_REPLY, xid, body)
      if (type === TYPE.BARRIER) peer.send(21, xid)
      // An empty answer to every multipart request: 2 bytes type, 2 flags, 4 padding.
      if (type === MULTIPART_REQUEST) peer.send(19, xid, Buffer.concat([body.subarray(0, 2), Buffer.alloc(6)]))
      if (type === TYPE.BUNDLE_CONTROL) {
        const reply = Buffer.from(body.subarray(0, 8))
        reply.writeUInt16BE(reply.readUInt16BE(4) + 1, 4)
        peer.send(TYPE.BUNDLE_CONTROL, xid, reply)
      }
    },
    hangUp: () => socket.destroy(),
    stopReading: () => socket.pause(),
  }
  return peer
}
