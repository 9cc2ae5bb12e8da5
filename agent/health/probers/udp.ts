import { createSocket, type Socket } from 'node:dgram'
import { holds } from '../../../shared/config/pattern.ts'
import type { CheckTarget, Prober } from '../types.ts'
import { firstLine } from '../words.ts'
import { ProbeFailure, timed } from './prober.ts'

export interface UdpProber {
  readonly probe: Prober
  close(): void
}

/**
 * Sends one datagram and waits for an answer. All probes leave from one port, because the bridge lets VMs answer only to that
 * port (compile/features/probe.ts). The source of an answer tells which probe it belongs to.
 */
export function createUdpProber(from: { readonly address: string; readonly port: number }): UdpProber {
  const waiting = new Map<string, (answer: Buffer) => void>()
  let bound: Promise<Socket> | undefined

  const open = () =>
    (bound ??= new Promise<Socket>((resolve, reject) => {
      const socket = createSocket('udp4')
      const failed = (error: Error) => {
        bound = undefined
        socket.close()
        reject(error)
      }
      socket.once('error', failed)
      socket.on('message', (answer, { address, port }) => waiting.get(`${address}:${port}`)?.(answer))
      socket.bind({ address: from.address, port: from.port, exclusive: true }, () => {
        socket.removeListener('error', failed)
        socket.on('error', () => {})
        resolve(socket)
      })
    }))

  const talk = async ({ check, address, port }: CheckTarget, signal: AbortSignal): Promise<string> => {
    const socket = await open()
    const peer = `${address}:${port}`
    if (waiting.has(peer)) throw new ProbeFailure('another check of the same port is under way')
    try {
      return await new Promise((resolve, reject) => {
        const aborted = () => reject(signal.reason)
        if (signal.aborted) return aborted()
        signal.addEventListener('abort', aborted, { once: true })
        waiting.set(peer, answer => {
          signal.removeEventListener('abort', aborted)
          const text = answer.toString('latin1')
          if (check.expect === undefined || holds(text, check.expect)) resolve(`${answer.length} bytes`)
          else reject(new ProbeFailure(`answered ${firstLine(text)}`))
        })
        socket.send(Buffer.from(check.send ?? '', 'hex'), port, address!, error => {
          if (error === null || error === undefined) return
          signal.removeEventListener('abort', aborted)
          reject(error)
        })
      })
    } finally {
      waiting.delete(peer)
    }
  }

  return {
    probe: timed(talk),
    close: () => {
      bound?.then(
        socket => socket.close(),
        () => {},
      )
      bound = undefined
    },
  }
}
