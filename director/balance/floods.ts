import { CrossportError } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import type { Clock } from '../../shared/run/clock.ts'
import type { Switch } from '../../shared/switch/types.ts'
import type { CompiledService } from '../compile/types.ts'
import type { Plan } from '../plan/plan.ts'
import { FLOOD_FROM, type FloodKind, floodText, isFlood, type Offered, type Watched, watch } from '../schedule/flood.ts'
import { readAll, readBy, readStrays, readSyns } from './flood-counters.ts'

/** A flood that is under way. */
export interface Flood {
  readonly kind: FloodKind
  /** Names of the services that it is sent to. */
  readonly services: readonly string[]
  readonly since: Date
  /** A second, as last counted. */
  readonly rate: number
}

export interface Floods {
  /** Those under way. */
  readonly floods: readonly Flood[]
  stop(): void
}

export interface FloodsOptions {
  readonly switch: () => Pick<Switch, 'state' | 'readFlowStats' | 'readPackets'> | undefined
  readonly plan: () => Plan | undefined
  readonly log: Log
  readonly clock: Clock
  /** A flood has begun or ended. */
  changed(): void
}

const TICK_MS = 1000
/** Ticks from one reading to the next of what costs the switch a search of its largest table, while there is little of it. */
const SELDOM: Readonly<Record<FloodKind, number>> = { syn: 1, stray: 1, 'icmp-error': 3, neighbour: 3 }

const KINDS = Object.keys(SELDOM) as FloodKind[]

interface Found {
  readonly kind: FloodKind
  readonly services: readonly string[]
  readonly watched: Watched
}

/**
 * Detects floods by counters of flows that are there anyway. Costs four small answers while nothing comes in such numbers; then the counters of the services that it comes to.
 */
export function startFloods(options: FloodsOptions): Floods {
  const { clock, log } = options
  /** Things that come in numbers, by kind and service or VIP. */
  let found: ReadonlyMap<string, Found> = new Map()
  const all = new Map<FloodKind, { readonly at: number; readonly count: number }>()
  let ticks = 0
  const byService = new Map<FloodKind, ReadonlyMap<number | string, number>>()
  let floods: readonly Flood[] = []
  let stopped = false
  let failing = false
  let cancel = () => {}

  /** What has come of one kind since the last reading, by service or VIP. Read only while it comes in numbers. */
  const cameBy = async (sw: NonNullable<ReturnType<FloodsOptions['switch']>>, kind: FloodKind) => {
    const before = byService.get(kind)
    const now = await readBy(sw, kind)
    byService.set(kind, now)
    return new Map([...now].map(([key, count]) => [key, { count, came: count - (before?.get(key) ?? count) }]))
  }

  const tick = async () => {
    const sw = options.switch()
    const plan = options.plan()
    if (sw?.state !== 'up' || plan === undefined) return
    ticks++
    const next = new Map<string, Found>()
    for (const kind of KINDS) {
      const watching = byService.has(kind)
      if (!watching && ticks % SELDOM[kind] !== 0) continue
      const before = all.get(kind)
      const [at, count] = [clock.now(), await readAll(sw, kind)]
      all.set(kind, { at, count })
      const seconds = Math.max(1, at - (before?.at ?? at)) / 1000
      const from = FLOOD_FROM[kind]
      const numerous = (came: number) => came / seconds >= from / 2
      const under = found.values().some(one => one.kind === kind)
      if (!under && !numerous(count - (before?.count ?? count))) {
        byService.delete(kind)
        continue
      }
      for (const [key, { count, came }] of await cameBy(sw, kind)) {
        const id = `${kind} ${key}`
        const known = found.get(id)
        if ((known === undefined || known.watched.high === 0) && !numerous(came)) continue
        const places = plan.services.flatMap((service, i) => {
          const compiled = plan.compiled[i]!
          return compiled.number === key || compiled.vip === key ? [{ service, compiled }] : []
        })
        if (places.length === 0 || (kind === 'syn' && places[0]!.compiled.protocol === 'udp')) continue
        const offered = await offeredOf(sw, kind, places[0]!.compiled, count)
        const watched = watch(known?.watched, clock.now(), offered, from)
        next.set(id, { kind, services: places.map(({ service }) => service.service), watched })
      }
    }
    publish(next)
  }

  const publish = (next: ReadonlyMap<string, Found>) => {
    const wall = (moment: number) => new Date(clock.wall().getTime() + moment - clock.now())
    const flooded = (of: ReadonlyMap<string, Found>, id: string) => {
      const one = of.get(id)
      return one !== undefined && isFlood(one.watched)
    }
    const before = found
    found = next
    floods = [...next.values()].flatMap(({ kind, services, watched }) =>
      isFlood(watched) ? [{ kind, services, since: wall(watched.since), rate: watched.rate }] : [],
    )
    let changed = false
    for (const [id, { kind, services, watched }] of new Map([...before, ...next])) {
      const [was, is] = [flooded(before, id), flooded(next, id)]
      if (was === is) continue
      changed = true
      const fields = { service: services.join(', ') }
      const text = floodText(kind, watched.rate, wall(watched.since).toISOString())
      if (is) log.warn('many packets lead to nothing', { ...fields, err: new CrossportError('FLOOD', text) })
      else log.notice('a flood has ended', { ...fields, kind })
    }
    if (changed) options.changed()
  }

  const run = async () => {
    try {
      await tick()
      failing = false
    } catch (err) {
      if (!failing) log.warn('it is not known whether there is a flood', { err })
      failing = true
    }
    if (!stopped) cancel = clock.after(TICK_MS, () => void run())
  }
  cancel = clock.after(TICK_MS, () => void run())

  return {
    get floods() {
      return floods
    },
    stop: () => {
      stopped = true
      cancel()
    },
  }
}

function offeredOf(
  sw: Pick<Switch, 'readFlowStats' | 'readPackets'>,
  kind: FloodKind,
  service: CompiledService,
  count: number,
): Promise<Offered> | Offered {
  if (kind === 'syn') return readSyns(sw, service)
  if (kind === 'stray') return readStrays(sw, service, count)
  return { all: count, idle: count }
}
