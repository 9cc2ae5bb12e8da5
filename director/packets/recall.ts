import { decodeCookie } from '../../shared/flows/cookie.ts'
import { textOfBytes } from '../../shared/net/family.ts'
import { segmentOf, TCP_FLAG, withoutPayload } from '../../shared/packet/tcp.ts'
import { createTokenBucket } from '../../shared/run/token-bucket.ts'
import type { PacketIn, PacketOut } from '../../shared/switch/types.ts'
import { hostsOf, copies as questionsAbout } from '../compile/features/recall.ts'
import { SIGNAL, TABLE } from '../compile/tables.ts'
import type { CompiledService } from '../compile/types.ts'
import { serviceAt } from './services.ts'
import { from, type LookUpOptions, type SendOptions } from './types.ts'

/**
 * Ends connections that no host knows, so that hosts are not asked about them for ever (compile/features/recall.ts):
 * 1. The switch sends this process a copy of each packet that hosts are asked about, and of each host's answer, within the limits
 * of the meters.
 * 2. Without an answer the hosts are asked three times more, with a segment without data in place of the packet, because a
 * question or an answer may have been lost. While many connections wait the process asks for longer, because much is lost then.
 * 3. If there is still no answer, the connection table is looked up, because a meter may have dropped the copy of the answer.
 * 4. Without a mark there the client is answered with RST, as a host that does not know the connection would do (RFC 9293,
 * 3.10.7.1).
 */
export interface Recall {
  packet(packet: PacketIn): void
  /** Connections that no host knew and that were ended, since the process began. */
  readonly ended: number
  close(): void
}

export interface RecallOptions extends LookUpOptions {
  /** Most connections that may wait at one time. */
  readonly most?: number
  /** Answers the packet's sender with RST, within the limit for refusals. */
  refuse(packet: PacketIn): void
}

/** Milliseconds to wait for the answer to each question. Hosts answer within one or two. */
const PATIENCE_MS = 400
/** Questions besides the first: a question or answer may be lost several times in a row on a busy machine. */
const QUESTIONS = 3
/** More waiting connections than this are a storm, in which none is ended before LONGEST_MS. */
const STORM = 200
const LONGEST_MS = 8000
/** Most copies a second of these questions; the first question has a meter. */
const COPIES = { perSecond: 20_000, burst: 20_000 } as const
/** Packets sent to the switch that it has not confirmed yet. */
const UNDER_WAY = 32
/** Packets that wait to be sent. A flood asks for more than the switch takes. */
const MOST_QUEUED = 2000
/** More than the meter lets through in that time. */
const MOST = 10_000
/** Ended connections are logged together, once in this time. */
const TELL_MS = 5000

interface Waiting {
  readonly packet: PacketIn
  readonly since: number
  readonly questions: number
  readonly cancel: () => void
}

export function createRecall(options: RecallOptions): Recall {
  const { clock, log, most = MOST } = options
  const waiting = new Map<string, Waiting>()
  const copies = createTokenBucket(clock, COPIES)
  const outbox = createOutbox(options)
  let ended = 0
  let told = 0
  let cancelTell: (() => void) | undefined

  const forget = (key: string) => {
    const found = waiting.get(key)
    found?.cancel()
    waiting.delete(key)
    return found?.packet
  }
  const wait = (key: string, one: Omit<Waiting, 'cancel'>, then: () => void) =>
    waiting.set(key, { ...one, cancel: clock.after(PATIENCE_MS, then) })

  const asked = (packet: PacketIn): unknown => {
    const segment = segmentOf(packet.data)
    // A RST for an unknown connection needs no action, and is never answered.
    if (segment === undefined || (segment.flags & TCP_FLAG.RST) !== 0) return
    const key = keyOf(segment)
    const there = waiting.get(key)
    // A RST is valid only with the numbers of the newest packet (RFC 5961, 3.2).
    if (there !== undefined) return waiting.set(key, { ...there, packet })
    if (waiting.size >= most) return
    wait(key, { packet, since: clock.now(), questions: 0 }, () => next(key))
  }

  const next = (key: string) => {
    const { cancel: _, ...one } = waiting.get(key)!
    const { packet, since, questions } = one
    const site = options.site()
    const service = serviceOf(packet, options.services())
    if (site === undefined || service === undefined) return forget(key)
    const late = clock.now() - since >= LONGEST_MS
    if (questions >= QUESTIONS && (late || waiting.size <= STORM)) {
      const sent = outbox(packet, [{ type: 'ct', zone: service.zone, table: TABLE.UNANSWERED }])
      return wait(key, one, () => (sent || late ? forget(key) : next(key)))
    }
    // Too many questions: the connection is dropped here, and its client will send again.
    if (late) return forget(key)
    const may = copies.take(hostsOf(service).length) && outbox(packet, questionsAbout(site, service))
    return wait(key, { ...one, questions: questions + Number(may) }, () => next(key))
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
      // In this table, a packet from a host is an answer.
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

function serviceOf({ data }: PacketIn, services: readonly CompiledService[]): CompiledService | undefined {
  const { dst, dstPort } = segmentOf(data)!
  return serviceAt(services, 'tcp', textOfBytes(dst), dstPort)
}

/** Sends questions in place of packets, with a limit on how many are under way. Returns false when too many wait already. */
function createOutbox({ switch: sw, log }: Pick<SendOptions, 'switch' | 'log'>) {
  const queue: PacketOut[] = []
  let underWay = 0
  const pump = () => {
    for (; underWay < UNDER_WAY && queue.length > 0; underWay++) {
      // Taken out first: without a switch the packet is lost, and does not stay in the queue.
      const packet = queue.shift()!
      const sent = sw()?.packetOut(packet) ?? Promise.resolve()
      sent
        .catch((err: unknown) => log.debug('a question about a connection could not be sent', { err }))
        .finally(() => {
          underWay--
          pump()
        })
    }
  }
  return (packet: PacketIn, actions: PacketOut['actions']): boolean => {
    if (queue.length >= MOST_QUEUED) return false
    queue.push({ ...from(packet), actions, data: withoutPayload(packet.data) })
    pump()
    return true
  }
}

function keyOf({ src, dst, srcPort, dstPort }: NonNullable<ReturnType<typeof segmentOf>>): string {
  return `${src.toString('hex')}${dst.toString('hex')}${srcPort} ${dstPort}`
}
