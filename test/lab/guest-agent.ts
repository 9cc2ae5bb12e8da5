import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'

/** A real qemu-ga on a unix socket, used as libvirt does: one connection, one command at a time. */
export interface GuestAgent {
  /** Runs one command (QMP form); resolves with the reply's line, rejects when the guest agent is absent or silent. */
  command(json: string): Promise<string>
  close(): void
}

/** Generous, because the machine may be slow; another test covers libvirt's timeouts. */
const PATIENCE_MS = 60_000

export function connectGuestAgent(socket: string): GuestAgent {
  let live: Socket | undefined
  let waiting: { resolve(line: string): void; reject(error: Error): void } | undefined
  let turn: Promise<unknown> = Promise.resolve()

  const open = async (): Promise<Socket> => {
    if (live !== undefined) return live
    const opened = connect(socket)
    await new Promise<void>((resolve, reject) => opened.once('connect', resolve).once('error', reject))
    opened.on('error', () => {})
    opened.on('close', () => {
      live = undefined
      waiting?.reject(new Error('the guest agent has hung up'))
    })
    createInterface({ input: opened }).on('line', line => waiting?.resolve(line))
    live = opened
    return opened
  }

  const ask = async (json: string): Promise<string> => {
    const to = await open()
    const timer = setTimeout(() => to.destroy(), PATIENCE_MS)
    try {
      return await new Promise((resolve, reject) => {
        waiting = { resolve, reject }
        to.write(`${json}\n`)
      })
    } finally {
      clearTimeout(timer)
      waiting = undefined
    }
  }

  return {
    command: json => {
      const answer = turn.then(() => ask(json))
      turn = answer.catch(() => {})
      return answer
    },
    close: () => live?.destroy(),
  }
}
