import { createServer, type Socket } from 'node:net'
import { createFramer } from '../../shared/libvirt/framer.ts'
import * as m from '../../shared/libvirt/message.ts'
import { PROCEDURES, type ProcedureName } from '../../shared/libvirt/procedures.ts'
import { type Codec, decode, encode } from '../../shared/libvirt/xdr.ts'
import type { Cleanup } from './cleanup.ts'

export interface FakeCall {
  readonly name: ProcedureName
  readonly args: Record<string, unknown>
  readonly header: m.Header
  reply(result: unknown): void
  error(code: number, message: string): void
  /** Writes any bytes. */
  raw(bytes: Buffer): void
  readonly socket: Socket
}

export interface FakeLibvirtd {
  readonly socket: string
  readonly connections: Socket[]
  /** Called with messages that are not calls. */
  readonly messages: m.Header[]
  onMessage: (header: m.Header, socket: Socket) => unknown
}

export type Handlers = Partial<Record<ProcedureName, (call: FakeCall) => void>>

/** A scripted libvirtd at `path`, until the cleanup. `handle` gets every call except those of the handshake. */
export async function serveFakeLibvirtd(
  cleanup: Cleanup,
  path: string,
  handle: (call: FakeCall) => void,
  greeting: Handlers = {},
): Promise<FakeLibvirtd> {
  const known: Handlers = {
    authList: call => call.reply({ types: [0] }),
    connectSupportsFeature: call => call.reply({ supported: 1 }),
    connectOpen: call => call.reply(undefined),
    ...greeting,
  }
  const server = createServer(socket => {
    fake.connections.push(socket)
    socket.on('error', () => {})
    const framer = createFramer()
    socket.on('data', (chunk: Buffer) => {
      for (const message of framer.push(chunk)) {
        const { header, body } = m.unpackMessage(message)
        if (header.type === m.CALL) {
          const call = toCall(socket, header, body)
          ;(known[call.name] ?? handle)(call)
        } else {
          fake.messages.push(header)
          fake.onMessage(header, socket)
        }
      }
    })
  })
  const fake: FakeLibvirtd = {
    socket: path,
    connections: [],
    messages: [],
    onMessage: () => {},
  }
  cleanup.defer(
    () =>
      new Promise<void>(resolve => {
        for (const socket of fake.connections) socket.destroy()
        server.close(() => resolve())
      }),
  )
  await new Promise<void>(resolve => server.listen(path, resolve))
  return fake
}

function toCall(socket: Socket, header: m.Header, body: Buffer): FakeCall {
  const found = Object.entries(PROCEDURES).find(
    ([, p]) => p.program === header.program && p.number === header.procedure,
  )
  if (found === undefined) throw new Error(`unknown procedure ${header.procedure}`)
  const [name, procedure] = found
  const answer = (status: number, bytes: Buffer) =>
    socket.write(m.packMessage({ ...header, type: m.REPLY, status }, bytes))
  return {
    name: name as ProcedureName,
    args: decode(procedure.args as Codec<Record<string, unknown>>, body),
    header,
    socket,
    reply: result => answer(m.OK, encode(procedure.result as Codec<unknown>, result)),
    error: (code, text) => answer(m.ERROR, encode(m.remoteError, remoteError(code, text))),
    raw: bytes => socket.write(bytes),
  }
}

function remoteError(code: number, message: string): m.RemoteError {
  const no = undefined
  return { code, domain: 10, message, level: 2, dom: no, str1: no, str2: no, str3: no, int1: 0, int2: 0, net: no }
}
