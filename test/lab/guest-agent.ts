import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'

/** A real qemu-ga on a unix socket, as libvirt is to it: one connection, one command at a time. */
export interface GuestAgent {
  /** One command (QMP form); resolves with the reply's line, rejects where the agent is not there or says nothing. */
  command(json: string): Promise<string>
  close(): void
}

/** The machine may be slow; libvirt's own patience is another's test. */
const PATIENCE_MS = 60_000

export function connectGuestAgent(socket: string): GuestAgent {
  let connection: { readonly socket: Socket; next(): Promise<string> } | undefined
  let turn: Promise<unknown> = Promise.resolve()

  const open = async () => {
    if (connection !== undefined) return connection
    const live = connect(socket)
    const lines = createInterface({ input: live })
    const heard: ((line: string) => void)[] = []
    lines.on('line', line => heard.shift()?.(line))
    await new Promise<void>((resolve, reject) => live.once('connect', resolve).once('error', reject))
    live.on('close', () => {
      connection = undefined
    })
    live.on('error', () => {})
    connection = {
      socket: live,
      next: () =>
        new Promise((resolve, reject) => {
          const timer = setTimeout(() => reject(new Error('the guest agent is not responding')), PATIENCE_MS)
          live.once('close', () => reject(new Error('the guest agent has hung up')))
          heard.push(line => {
            clearTimeout(timer)
            resolve(line)
          })
        }),
    }
    return connection
  }

  return {
    command: json => {
      const answer = turn.then(async () => {
        const { socket, next } = await open()
        socket.write(`${json}\n`)
        return next()
      })
      turn = answer.catch(() => {})
      return answer
    },
    close: () => connection?.socket.destroy(),
  }
}
