import { createServer, type Socket } from 'node:net'

/** Collects values; `until` resolves with the first fitting one, old or new. */
export function collector<T>() {
  const seen: T[] = []
  const waiting = new Set<(value: T) => void>()
  return {
    seen,
    add(value: T) {
      seen.push(value)
      for (const offer of waiting) offer(value)
    },
    /** Checks the last value so far, then every new one. */
    until(fits: (value: T) => boolean): Promise<T> {
      const last = seen.at(-1)
      if (last !== undefined && fits(last)) return Promise.resolve(last)
      return new Promise(resolve => {
        const offer = (value: T) => {
          if (!fits(value)) return
          waiting.delete(offer)
          resolve(value)
        }
        waiting.add(offer)
      })
    },
  }
}

export interface Peer {
  readonly path: string
  close(): Promise<void>
}

/** A scripted server in the abstract socket name space, so that nothing is left on disk. */
export function startPeer(serve: (socket: Socket, message: (handler: (message: PeerMessage) => void) => void) => void) {
  const path = `\0crossport-test-${process.pid}-${Math.random().toString(36).slice(2)}`
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    serve(socket, handler => {
      socket.setEncoding('utf8').on('data', text => {
        // Our client writes one message per call, and these are small: they arrive whole, sometimes several at once.
        for (const part of String(text).split(/(?<=\})(?=\{"(?:id|method)")/)) handler(JSON.parse(part) as PeerMessage)
      })
    })
  })
  return new Promise<Peer>(resolve => {
    server.listen(path, () => {
      resolve({
        path,
        close: () =>
          new Promise(done => {
            for (const socket of sockets) socket.destroy()
            server.close(() => done())
          }),
      })
    })
  })
}

export interface PeerMessage {
  readonly id: unknown
  readonly method?: string
  readonly params?: readonly unknown[]
  readonly result?: unknown
  readonly error?: unknown
}
