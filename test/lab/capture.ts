import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { patience } from './datapath.ts'
import { type Packet, pcapReader } from './pcap.ts'
import { enter, type Place } from './place.ts'

/** A running tcpdump. */
export interface Capture {
  /** Packets so far, in order. */
  readonly packets: readonly Packet[]
  /** The first packet, past or future, that the predicate accepts. */
  waitFor(predicate: (packet: Packet) => boolean, timeoutMs?: number): Promise<Packet>
  /** Ends tcpdump; packets that the kernel has already captured are included. */
  stop(): Promise<readonly Packet[]>
}

/**
 * Captures on a device of a place. Resolves once tcpdump is listening, so that it sees everything that is sent afterwards.
 * `filter` is in pcap-filter(7)'s language; empty for everything.
 */
export async function startCapture(place: Place, dev: string, filter = ''): Promise<Capture> {
  const tcpdump = ['tcpdump', '-i', dev, '-U', '--immediate-mode', '-s', '768', '-Z', 'root', '-w', '-']
  const [file, ...args] = enter(place.pid, [...tcpdump, ...(filter === '' ? [] : [filter])])
  const child = spawn(file!, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const packets: Packet[] = []
  const watchers = new Set<(packet: Packet) => void>()
  const read = pcapReader()
  child.stdout.on('data', (chunk: Buffer) => {
    for (const packet of read(chunk)) {
      packets.push(packet)
      for (const watcher of watchers) watcher(packet)
    }
  })
  const closed = once(child, 'close')
  await new Promise<void>((resolve, reject) => {
    let text = ''
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      if (text.includes('listening on')) resolve()
    })
    child.once('error', reject)
    child.once('close', () => reject(new Error(`${place.name}: tcpdump on ${dev}: ${text}`)))
  })

  return {
    packets,
    waitFor: (predicate, timeoutMs = patience(10_000)) => {
      const seen = packets.find(predicate)
      if (seen !== undefined) return Promise.resolve(seen)
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          watchers.delete(watcher)
          reject(new Error(`${place.name}: ${dev}: no such packet within ${timeoutMs} ms`))
        }, timeoutMs)
        const watcher = (packet: Packet) => {
          if (!predicate(packet)) return
          watchers.delete(watcher)
          clearTimeout(timer)
          resolve(packet)
        }
        watchers.add(watcher)
      })
    },
    stop: async () => {
      const inner = Number(
        (await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').catch(() => '')).trim(),
      )
      if (inner > 0) process.kill(inner, 'SIGINT')
      await closed
      return packets
    },
  }
}
