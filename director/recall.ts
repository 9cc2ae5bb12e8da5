import { decodeCookie } from '../shared/flows/cookie.ts'
import type { Log } from '../shared/log.ts'
import { TCP_FLAG, tcpPacket } from '../shared/packet/ipv4.ts'
import { headerOf, segmentOf } from '../shared/packet/tcp.ts'
import type { Clock } from '../shared/run/clock.ts'
import type { PacketIn, Switch } from '../shared/switch/types.ts'
import { SIGNAL, TABLE } from './compile/tables.ts'
import type { CompiledService } from './compile/types.ts'

/**
 * Sees to it that a connection that no host knows ends, and is not asked for for ever (compile/features/recall.ts):
 *  1. A packet that the hosts were asked about is shown to this process, too, and so is a host's answer; both as far as
 *     the meter lets through.
 *  2. Without an answer the hosts are asked three times more, by a segment without data that stands for the packet: question or
 *     answer may have been lost.
 *  3. Still without one, the connection table is asked, for the meter may have kept the answer from this process.
 *  4. Without a mark there the client is answered with RST, as it would be by a host that does not know the connection
 *     (RFC 9293, 3.10.7.1).
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
  /** Connections that are waited for at a time. */
  readonly most?: number
  /** Answers the packet's sender with RST, within what may be refused a second. */
  refuse(packet: PacketIn): void
}

/** Milliseconds for which each question waits. Hosts answer within one or two. */
const PATIENCE_MS = 400
/** Beside the first: question or answer may be lost several times in a row on a busy machine. */
const QUESTIONS = 3
/** More than the meter lets through meanwhile. */
const MOST = 10_000
/** They are told of together. */
const TELL_MS = 5000

export function createRecall(options: RecallOptions): Recall {
  const { clock, log, most = MOST } = options
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
    if (waiting.has(key) || waiting.size >= most) return
    const again = (left: number): unknown =>
      left > 0
        ? ask(key, packet, TABLE.CONNECTION, () => again(left - 1))
        : ask(key, packet, TABLE.UNANSWERED, () => forget(key))
    waiting.set(key, { packet, cancel: clock.after(PATIENCE_MS, () => again(QUESTIONS)) })
  }

  /** Takes a segment that stands for the packet through the connection table; `otherwise`: nothing has come of it. */
  const ask = (key: string, packet: PacketIn, table: number, otherwise: () => void) => {
    const sw = options.switch()
    const { src, dst, srcPort, dstPort, sequence, acknowledgment } = segmentOf(packet.data)!
    const service = options
      .services()
      .find(({ protocol, vip, port }) => protocol === 'tcp' && port === dstPort && vip === [...dst].join('.'))
    if (sw === undefined || service === undefined) return forget(key)
    const segment = tcpPacket({ src, dst }, { srcPort, dstPort, sequence, acknowledgment, flags: TCP_FLAG.ACK })
    const data = Buffer.concat([headerOf(packet.data), segment])
    waiting.set(key, { packet, cancel: clock.after(PATIENCE_MS, otherwise) })
    sw.packetOut({
      ...(packet.inPort === undefined ? {} : { inPort: packet.inPort }),
      actions: [{ type: 'ct', zone: service.zone, table }],
      data,
    }).catch((err: unknown) => log.debug('the connection table could not be asked', { err }))
    return undefined
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
      // In the same table: of a host, it is an answer.
      if (packet.match[SIGNAL] === undefined) return asked(packet)
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
