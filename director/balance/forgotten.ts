import { setImmediate as breathe } from 'node:timers/promises'
import type { Log } from '../../shared/log.ts'
import type { Clock } from '../../shared/run/clock.ts'
import type { Switch } from '../../shared/switch/types.ts'
import { ENDED } from '../compile/tables.ts'
import { isNoticed } from '../connections/list.ts'
import type { Plan } from '../plan/plan.ts'
import type { VirtualService } from '../registry/services.ts'
import { type Counted, readCounters } from './counters.ts'

/** Milliseconds between two reads of a table, and between two of the same service. Entries take at least half a minute to vanish. */
const TICK_MS = 5000
const SERVICE_MS = 60_000
/** The wait until the next read, as a multiple of the time that this read has taken. */
const REST = 100
/** Longest delay of the switch's counters behind what it forwards. */
const LAG_MS = 2000

/**
 * Counts connections that have ended without a packet: the connection table drops an idle entry without reporting it. So from
 * time to time the table's entries are counted by real server and compared with the counters, for services with active connections.
 * Where reading the table disturbs clients, or a flood fills it, the number of the zone's entries has to do: otherwise
 * least-connection schedulers and thresholds would go on counting what a flood has left.
 */
export interface Forgotten {
  /** `opened`: the present value of the counter. When the counter has begun anew, nothing is forgotten. */
  of(service: Pick<VirtualService, 'key'>, id: string, opened: number): number
  stop(): void
}

export interface ForgottenOptions {
  readonly switch: () => Pick<Switch, 'state' | 'readFlowStats'> | undefined
  readonly plan: () => Plan | undefined
  readonly markOf: (service: VirtualService, id: string) => number
  /** Connections of a service that were opened and not seen to end. */
  readonly activeOf: (key: string) => number
  /** Reads `dpctl/dump-conntrack` of one zone as text. */
  readonly dump: (zone: number) => Promise<string>
  /** Number of the table's entries; undefined where reading it stops nothing. */
  readonly entries: () => Promise<number | undefined>
  /** Number of the entries of one zone, at no cost; undefined where they are not counted. */
  readonly entriesOf: (zone: number) => Promise<number | undefined>
  /** Whether a service is being flooded: its entries are too many to be read. */
  readonly isFlooded: (service: VirtualService) => boolean
  readonly log: Log
  readonly clock: Clock
}

interface Known {
  readonly count: number
  readonly opened: number
}

export function startForgotten(options: ForgottenOptions): Forgotten {
  const { clock, log } = options
  /** Known values by service and real server. */
  const known = new Map<string, Map<string, Known>>()
  const lookedAt = new Map<string, number>()
  let stopped = false
  let failing = false
  let cancel = () => {}

  /** The service that has waited longest. */
  const next = (plan: Plan) => {
    const now = clock.now()
    const due = plan.services.flatMap((service, i) => {
      const at = lookedAt.get(service.key) ?? Number.NEGATIVE_INFINITY
      if (service.protocol !== 'tcp' || now - at < SERVICE_MS || options.activeOf(service.key) === 0) return []
      return { service, compiled: plan.compiled[i]!, at }
    })
    return due.reduce<(typeof due)[number] | undefined>((a, b) => (a === undefined || b.at < a.at ? b : a), undefined)
  }

  const tick = async () => {
    const sw = options.switch()
    const plan = options.plan()
    if (sw?.state !== 'up' || plan === undefined) return
    const keys = new Set(plan.services.map(({ key }) => key))
    for (const map of [known, lookedAt]) for (const key of map.keys()) if (!keys.has(key)) map.delete(key)
    const chosen = next(plan)
    if (chosen === undefined) return
    const { service, compiled } = chosen
    lookedAt.set(service.key, clock.now())
    const unread = options.isFlooded(service) || isNoticed(await options.entries())
    const inZone = unread ? await options.entriesOf(compiled.zone) : undefined
    if (unread && inZone === undefined) return
    const first = await readCounters(sw, compiled)
    const there =
      inZone === undefined ? await countByMark(await options.dump(compiled.zone)) : inProportion(inZone, first)
    await new Promise<void>(resolve => {
      cancel = clock.after(LAG_MS, resolve)
    })
    const last = await readCounters(sw, compiled)
    const found = new Map<string, Known>()
    for (const { id } of service.realServers) {
      const mark = options.markOf(service, id)
      const [before, after] = [first.get(mark), last.get(mark)]
      if (before === undefined || after === undefined) continue
      const count = forgotten(of(service, id, after.opened), there.get(mark) ?? 0, before, after)
      found.set(id, { count, opened: after.opened })
    }
    known.set(service.key, found)
  }

  const run = async () => {
    const began = clock.now()
    try {
      await tick()
      failing = false
    } catch (err) {
      if (!failing)
        log.warn(
          'the connection table cannot be read: connections that have ended without a packet still count as active',
          { err },
        )
      failing = true
    }
    const took = Math.max(0, clock.now() - began - LAG_MS)
    if (!stopped) cancel = clock.after(Math.max(TICK_MS, took * REST), () => void run())
  }
  cancel = clock.after(TICK_MS, () => void run())

  const of: Forgotten['of'] = ({ key }, id, opened) => {
    const found = known.get(key)?.get(id)
    return found === undefined || opened < found.opened ? 0 : found.count
  }
  return {
    of,
    stop: () => {
      stopped = true
      cancel()
    },
  }
}

/**
 * How many opened connections have neither ended nor are in the table. Below 0: the table has more, which a real server has taken
 * over from another (compile/features/ending.ts, acceptedElsewhere). Connections come and go between the readings before and
 * after the count, so the count only gives bounds; `known`, the value so far, is moved into these bounds and no further.
 */
export function forgotten(known: number, there: number, before: Counted, after: Counted): number {
  const least = before.opened - after.ended - there
  const most = after.opened - before.ended - there
  if (least > most) return 0
  return Math.min(most, Math.max(known, least))
}

/** Where only the number of all entries is known: entries by mark, in proportion to what was counted as active. */
function inProportion(entries: number, counted: ReadonlyMap<number, Counted>): ReadonlyMap<number, number> {
  const activeOf = ({ opened, ended }: Counted) => Math.max(0, opened - ended)
  const all = counted.values().reduce((sum, one) => sum + activeOf(one), 0)
  return new Map([...counted].map(([mark, one]) => [mark, all === 0 ? 0 : Math.round((entries * activeOf(one)) / all)]))
}

/** Lines that are parsed before other work gets a chance to run. */
const LINES = 5000
const MARK = ',mark='

/** Counts the entries of connections that have not been ended, by mark. */
export async function countByMark(text: string): Promise<ReadonlyMap<number, number>> {
  const counts = new Map<number, number>()
  let lines = 0
  for (let at = text.indexOf(MARK); at >= 0; at = text.indexOf(MARK, at + 1)) {
    const mark = Number.parseInt(text.slice(at + MARK.length, at + MARK.length + 10), 10)
    if (mark < ENDED) counts.set(mark, (counts.get(mark) ?? 0) + 1)
    if (++lines % LINES === 0) await breathe()
  }
  return counts
}
