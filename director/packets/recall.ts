import { decodeCookie } from '../../shared/flows/cookie.ts'
import type { Log } from '../../shared/log.ts'
import { endpoint, textOfBytes } from '../../shared/net/family.ts'
import { segmentOf, TCP_FLAG, withoutPayload } from '../../shared/packet/tcp.ts'
import type { Clock } from '../../shared/run/clock.ts'
import { createTokenBucket } from '../../shared/run/token-bucket.ts'
import type { PacketIn, PacketOut, Switch } from '../../shared/switch/types.ts'
import { hostsOf, copies as questionsAbout } from '../compile/features/recall.ts'
import { SIGNAL, TABLE } from '../compile/tables.ts'
import type { CompiledService, Site } from '../compile/types.ts'

/**
 * Sees to it that a connection that no host knows ends, and is not asked for for ever (compile/features/recall.ts):
 *  1. A packet that the hosts were asked about is shown to this process, too, and so is a host's answer; both as far as
 *     the meters let through.
 *  2. Without an answer the hosts are asked three times more, by a segment without data that stands for the packet: question
 *     or answer may have been lost. While many wait at once they are asked for longer, for then much is lost.
 *  3. Still without one, the connection table is asked, for a meter may have kept the answer from this process.
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
  readonly site: () => Site | undefined
  /** Connections that are waited for at a time. */
  readonly most?: number
  /** Answers the packet's sender with RST, within what may be refused a second. */
  refuse(packet: PacketIn): void
}

/** Milliseconds for which each question waits. Hosts answer within one or two. */
const PATIENCE_MS = 400
/** Beside the first: question or answer may be lost several times in a row on a busy machine. */
const QUESTIONS = 3
/** So many that wait make a storm: nobody is given up before LONGEST_MS then. */
const STORM = 200
const LONGEST_MS = 8000
/** Copies a second that these questions may make; the first ones have a meter. */
const COPIES = { perSecond: 20_000, burst: 20_000 } as const
/** Packets that the switch has not confirmed yet. */
const UNDER_WAY = 32
/** More than the meter lets through meanwhile. */
const MOST = 10_000
/** They are told of together. */
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
    // A RST ends a connection that nobody knows by itself, and is never answered.
    if (segment === undefined || (segment.flags & TCP_FLAG.RST) !== 0) return
    const key = keyOf(segment)
    const there = waiting.get(key)
    // A RST is good only with the numbers of the newest one (RFC 5961, 3.2).
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
      outbox(packet, [{ type: 'ct', zone: service.zone, table: TABLE.UNANSWERED }])
      return wait(key, one, () => forget(key))
    }
    // Too many are asked about: its client will say it again.
    if (late) return forget(key)
    const may = copies.take(hostsOf(service).length)
    if (may) outbox(packet, questionsAbout(site, service))
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

/** Found by address, once for each list: a storm asks for thousands a second. */
const indexes = new WeakMap<readonly CompiledService[], ReadonlyMap<string, CompiledService>>()

function serviceOf({ data }: PacketIn, services: readonly CompiledService[]): CompiledService | undefined {
  let index = indexes.get(services)
  if (index === undefined) {
    index = new Map(services.flatMap(one => (one.protocol === 'tcp' ? [[endpoint(one.vip, one.port), one]] : [])))
    indexes.set(services, index)
  }
  const { dst, dstPort } = segmentOf(data)!
  return index.get(endpoint(textOfBytes(dst), dstPort))
}

/** Sends what stands for a packet, not too many at a time. */
function createOutbox({ switch: sw, log }: Pick<RecallOptions, 'switch' | 'log'>) {
  const queue: PacketOut[] = []
  let underWay = 0
  const pump = () => {
    for (; underWay < UNDER_WAY && queue.length > 0; underWay++) {
      const sent = sw()?.packetOut(queue.shift()!) ?? Promise.resolve()
      sent
        .catch((err: unknown) => log.debug('a question about a connection could not be sent', { err }))
        .finally(() => {
          underWay--
          pump()
        })
    }
  }
  return ({ inPort, data }: PacketIn, actions: PacketOut['actions']) => {
    const packet = { actions, data: withoutPayload(data) }
    queue.push(inPort === undefined ? packet : { ...packet, inPort })
    pump()
  }
}

function keyOf({ src, dst, srcPort, dstPort }: NonNullable<ReturnType<typeof segmentOf>>): string {
  return `${src.toString('hex')}${dst.toString('hex')}${srcPort} ${dstPort}`
}
