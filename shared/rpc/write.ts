import type * as grpc from '@grpc/grpc-js'

/** The writing side of a stream of the server. */
export type Sink<Message> = Pick<grpc.ServerWritableStream<unknown, Message>, 'write' | 'once' | 'off' | 'cancelled'>

/** Writes a message. Resolves when the next may be written: when the other side reads, or has gone. */
export function write<Message>(call: Sink<Message>, message: Message): Promise<void> | undefined {
  return call.write(message) || call.cancelled ? undefined : drained(call)
}

const ENDS = ['drain', 'cancelled', 'close'] as const

function drained(call: Sink<never>): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      for (const event of ENDS) call.off(event, done)
      resolve()
    }
    for (const event of ENDS) call.once(event, done)
  })
}
