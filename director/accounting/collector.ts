import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { Log } from '../../shared/log.ts'
import { createIpfixReader, type IpfixRecord } from './ipfix.ts'

export interface Collector {
  /** UDP port on the loopback, new at each start: so the exporter sends its templates again. */
  readonly port: number
  /** Records that have come so far. */
  readonly received: number
  close(): void
}

export interface CollectorOptions {
  readonly log: Log
  onRecord(record: IpfixRecord, domain: number): void
  /** So many records were sent, and have not come or cannot be read. */
  onLost(count: number): void
}

/** What the kernel keeps while the process is busy with other things. */
const BUFFER_BYTES = 8 * 1024 * 1024

/** Listens for one exporter: the ovs-vswitchd of this machine (RFC 7011, 10.3, over UDP). Throws what bind(2) fails with. */
export async function startCollector({ log, onRecord, onLost }: CollectorOptions): Promise<Collector> {
  const socket = createSocket('udp4')
  const read = createIpfixReader()
  let sequence: number | undefined
  let received = 0
  socket.on('message', message => {
    try {
      const { sequence: now, domain, records, unreadable } = read(message)
      const sent = records.length + unreadable
      const missing = sequence === undefined ? 0 : (now - sequence - sent) | 0
      // A smaller number: the exporter began anew.
      if (missing > 0 || unreadable > 0) onLost(Math.max(missing, 0) + unreadable)
      sequence = now
      received += records.length
      for (const record of records) onRecord(record, domain)
    } catch (err) {
      log.warn('what has come to the IPFIX collector cannot be read', { err })
      onLost(1)
    }
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  socket.on('error', err => log.error('the IPFIX collector', { err }))
  socket.setRecvBufferSize(BUFFER_BYTES)
  return {
    port: socket.address().port,
    get received() {
      return received
    },
    close: () => socket.close(),
  }
}
