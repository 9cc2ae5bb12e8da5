import { decodeCookie } from '../shared/flows/cookie.ts'
import type { Log } from '../shared/log.ts'
import { TCP_FLAG, tcpPacket } from '../shared/packet/ipv4.ts'
import { segmentOf } from '../shared/packet/tcp.ts'
import type { Clock } from '../shared/run/clock.ts'
import type { PacketIn, Switch } from '../shared/switch/types.ts'
import { TABLE } from './compile/tables.ts'
import type { CompiledService } from './compile/types.ts'

/**
 * Sees to it that a connection that no host knows ends, and is not asked for for ever (compile/features/recall.ts):
 *  1. A packet that the hosts were asked about is shown to this process, too, as far as the meter lets through.
 *  2. A second later the connection table is asked again, by a segment without data that stands for the packet. A host
 *     that has the connection has said so long ago, and the table has its mark.
 *  3. Without one the segment comes back here, and the client is answered with RST, as it would be by a host that does not
 *     know the connection (RFC 9293, 3.10.7.1).
 */
export interface Recall {
  packet(packet: PacketIn): void
  /** Connections that nobody knew, and that were ended therefore, since the process began. */
  readonly ended: number
  close(): void
}

export interface RecallOptions {
  readonly log: Log
  readonly clock: Clock
  readonly switch: () => Pick<Switch, 'packetOut'> | undefined
  readonly services: () => readonly CompiledService[]
  /** Answers the packet's sender with RST, within what may be refused a second. */
  refuse(packet: PacketIn): void
}

/** Hosts answer within a millisecond or two; a packet of theirs may be lost and come again. */
const PATIENCE_MS = 1000
/** Connections that are waited for at a time: more than come in PATIENCE_MS. */
const MOST = 10_000
/** They are told of together. */
const TELL_MS = 5000

export function createRecall(options: RecallOptions): Recall {
  const { clock, log } = options
  const waiting = new Map<string, { readonly packet: PacketIn; readonly cancel: () => void }>()
  let ended = 0
  let told = 0
  let cancelTell: (() => void) | undefined

  const forget = (key: string) => {
    const found = waiting.get(key)
    found?.cancel()
    waiting.delete(key)
    return found?.packet
  }

  const asked = (packet: PacketIn) => {
    const segment = segmentOf(packet.data)
    // A RST ends a connection that nobody knows by itself, and is never answered.
    if (segment === undefined || (segment.flags & TCP_FLAG.RST) !== 0) return
    const key = keyOf(segment)
    if (waiting.has(key) || waiting.size >= MOST) return
    waiting.set(key, { packet, cancel: clock.after(PATIENCE_MS, () => ask(key, packet)) })
  }

  const ask = (key: string, packet: PacketIn) => {
    const sw = options.switch()
    const segment = segmentOf(packet.data)!
    const { src, dst, srcPort, dstPort, sequence, acknowledgment } = segment
    const service = options
      .services()
      .find(({ protocol, vip, port }) => protocol === 'tcp' && port === dstPort && vip === [...dst].join('.'))
    if (sw === undefined || service === undefined) return forget(key)
    const question = tcpPacket({ src, dst }, { srcPort, dstPort, sequence, acknowledgment, flags: TCP_FLAG.ACK })
    const ethernet = Buffer.concat([Buffer.from(packet.data).subarray(0, 12), Buffer.from([0x08, 0x00])])
    waiting.set(key, { packet, cancel: clock.after(PATIENCE_MS, () => forget(key)) })
    sw.packetOut({
      actions: [{ type: 'ct', zone: service.zone, table: TABLE.UNANSWERED }],
      data: Buffer.concat([ethernet, question]),
    }).catch((err: unknown) => log.debug('the connection table could not be asked', { err }))
  }

  const unanswered = (packet: PacketIn) => {
    const segment = segmentOf(packet.data)
    const original = segment && forget(keyOf(segment))
    if (original === undefined) return
    ended++
    options.refuse(original)
    cancelTell ??= clock.after(TELL_MS, () => {
      cancelTell = undefined
      log.notice('connections that no host knows were ended', { connections: ended - told })
      told = ended
    })
  }

  return {
    packet: packet => {
      const cookie = decodeCookie(packet.cookie)
      if (cookie?.owner !== 'director') return
      if (cookie.kind === 'unanswered') return unanswered(packet)
      if (cookie.kind !== 'ask') return
      if (packet.table === TABLE.TELL) return asked(packet)
      const segment = segmentOf(packet.data)
      if (segment !== undefined) forget(keyOf(segment))
    },
    get ended() {
      return ended
    },
    close: () => {
      cancelTell?.()
      for (const { cancel } of waiting.values()) cancel()
    },
  }
}

function keyOf({ src, dst, srcPort, dstPort }: NonNullable<ReturnType<typeof segmentOf>>): string {
  return `${src.toString('hex')}${dst.toString('hex')}${srcPort} ${dstPort}`
}
