import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { CrossportError } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import type { Clock } from '../../shared/run/clock.ts'
import { createExporterCheck } from './exporter.ts'
import { createIpfixReader, type IpfixRecord } from './ipfix.ts'

export interface Collector {
  /** UDP port on the loopback, a new one at each start, so that the exporter sends its templates again. */
  readonly port: number
  /** Number of records received so far. */
  readonly received: number
  close(): void
}

export interface CollectorOptions {
  readonly log: Log
  readonly clock: Pick<Clock, 'now'>
  /** The user that ovs-vswitchd runs as; undefined while it is not known. */
  owner(): number | undefined
  onRecord(record: IpfixRecord, domain: number): void
  /** Called with the number of records that were sent and have not arrived or cannot be read. */
  onLost(count: number): void
}

/** What the kernel buffers while the process is busy. */
const BUFFER_BYTES = 8 * 1024 * 1024
/** vswitchd cannot have sent more records than this between two messages: its sequence numbers have begun anew. */
const MOST_LOST = 1_000_000
/** Least time between two log messages about datagrams from others. */
const TELL_MS = 30_000

/**
 * Receives IPFIX from one exporter, the ovs-vswitchd of this machine (RFC 7011, 10.3, over UDP). Datagrams from others are
 * dropped (exporter.ts says how they are recognised). Throws the errors of bind(2).
 */
export async function startCollector({ log, clock, owner, onRecord, onLost }: CollectorOptions): Promise<Collector> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  const isExporter = createExporterCheck({ clock, port, owner })
  const read = createIpfixReader()
  let sequence: number | undefined
  let received = 0
  let strangers = 0
  let told = Number.NEGATIVE_INFINITY

  const tell = (from: string) => {
    strangers++
    if (clock.now() - told < TELL_MS) return
    const err = new CrossportError('IPFIX_INVALID', `${strangers} datagrams, the last one from ${from}`)
    log.warn('datagrams to the IPFIX collector were dropped, because they are not from ovs-vswitchd', { err })
    told = clock.now()
    strangers = 0
  }

  /** Records that are missing before this message, by its sequence number (RFC 7011, 3.1; modulo 2^32). */
  const missingBefore = (now: number, sent: number): number => {
    const missing = sequence === undefined ? 0 : (now - sequence - sent) | 0
    sequence = now
    // After a restart the exporter counts from 0 again, and what it had sent before is unknown.
    if (missing < 0) return 0
    return missing > MOST_LOST ? 1 : missing
  }

  socket.on('message', (message, source) => {
    if (!isExporter(source)) return tell(`${source.address}:${source.port}`)
    try {
      const { sequence: now, domain, records, unreadable } = read(message)
      const lost = missingBefore(now, records.length + unreadable) + unreadable
      if (lost > 0) onLost(lost)
      received += records.length
      for (const record of records) onRecord(record, domain)
    } catch (err) {
      log.warn('a message to the IPFIX collector cannot be read', { err })
      onLost(1)
    }
  })
  socket.on('error', err => log.error('the IPFIX collector has failed', { err }))
  socket.setRecvBufferSize(BUFFER_BYTES)
  return {
    port,
    get received() {
      return received
    },
    close: () => socket.close(),
  }
}
