import { connect } from 'node:net'
import type { ExecutionContext } from 'ava'
import { createFramer } from '../../../shared/openflow/framer.ts'
import {
  encodeBarrierRequest,
  encodeEchoReply,
  encodeHello,
  readHeader,
  TYPE,
} from '../../../shared/openflow/messages.ts'

export interface Talk {
  /** Sends messages and a barrier; returns all messages until the barrier's reply. */
  ask(...messages: readonly Uint8Array[]): Promise<Buffer[]>
  send(...messages: readonly Uint8Array[]): void
  /** The next message from the switch. */
  next(): Promise<Buffer>
}

/** A minimal conversation with a switch, for tests of the codec. */
export async function talk(t: ExecutionContext, path: string): Promise<Talk> {
  const socket = connect(path)
  t.teardown(() => socket.destroy())
  const framer = createFramer()
  const arrived: Buffer[] = []
  let wake = () => {}
  socket.on('data', chunk => {
    for (const message of framer.push(chunk as Buffer)) {
      const { type, xid } = readHeader(message)
      if (type === TYPE.ECHO_REQUEST) socket.write(encodeEchoReply(xid, message.subarray(8)))
      else arrived.push(message)
    }
    wake()
  })
  const next = async (): Promise<Buffer> => {
    while (arrived.length === 0) await new Promise<void>(resolve => (wake = resolve))
    return arrived.shift()!
  }
  socket.write(encodeHello(1))
  while ((await next())[1] !== TYPE.HELLO);
  const BARRIER = 0xfffffff0
  return {
    next,
    send: (...messages) => void socket.write(Buffer.concat(messages)),
    ask: async (...messages) => {
      socket.write(Buffer.concat([...messages, encodeBarrierRequest(BARRIER)]))
      const answers: Buffer[] = []
      for (;;) {
        const message = await next()
        if (message[1] === TYPE.BARRIER_REPLY && message.readUInt32BE(4) === BARRIER) return answers
        answers.push(message)
      }
    },
  }
}
