import { CrossportError } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import type { Clock } from '../../shared/run/clock.ts'
import type { Switch } from '../../shared/switch/types.ts'
import type { CompiledService } from '../compile/types.ts'
import type { Judged, Plan } from '../plan/plan.ts'
import type { VirtualService } from '../registry/services.ts'
import type { RealServer } from '../registry/types.ts'
import {
  type Acceptance,
  type AcceptanceRules,
  acceptanceText,
  barredBy,
  DEFAULT_FALL,
  GRACE_MS,
  judge,
} from '../schedule/acceptance.ts'
import { readAccepted } from './counters.ts'

/** Milliseconds between two readings; shorter while a trial connection is under way, because each real server gets only one. */
const TICK = { usual: 1000, trial: 100 } as const
/** Greatest share of the process's time that the readings may take. */
const SHARE = 0.05

/**
 * Passive health: judges from the hosts' signals whether real servers accept connections. It reads the switch only for services
 * that have new connections. Without `passive` in the service file it only reports.
 */
export interface Passive {
  readonly judged: Judged
  acceptanceOf(service: Pick<VirtualService, 'key'>, id: string): Acceptance | undefined
  /** Hosts that were sent connections and have never sent a signal. */
  unheard(): readonly Unheard[]
  stop(): void
}

export interface Unheard {
  readonly hostId: string
  /** New connections for which a signal should have come. */
  readonly connections: number
}

export interface PassiveOptions {
  readonly switch: () => Pick<Switch, 'state' | 'readFlowStats'> | undefined
  readonly plan: () => Plan | undefined
  readonly markOf: (service: VirtualService, id: string) => number
  /** Connections of a service so far, as already counted: a service is examined when there are more. */
  readonly totalOf: (key: string) => number
  readonly log: Log
  readonly clock: Clock
  /** Whether new connections of this zone might get no entry in the connection table. */
  readonly isFull: (zone: number) => Promise<boolean>
  /** Requests that these services (keys) are scheduled anew. */
  replan(keys: readonly string[], reason: string): void
  /** The status has changed. */
  changed(): void
}

interface Watched {
  readonly servers: Map<string, Acceptance>
  total: number
}

export function startPassive(options: PassiveOptions): Passive {
  const { clock, log } = options
  const services = new Map<string, Watched>()
  /** Hosts whose signals have come. */
  const heard = new Set<string>()
  let stopped = false
  let failing = false
  /** Number of silent hosts at the last report. */
  let told = 0
  let cancel = () => {}

  const look = async (
    sw: Pick<Switch, 'readFlowStats'>,
    service: VirtualService,
    compiled: CompiledService,
    watched: Watched,
  ) => {
    watched.total = options.totalOf(service.key)
    const counters = await readAccepted(sw, compiled)
    const at = clock.now()
    const rules = rulesOf(service)
    const read = service.realServers.map(rs => {
      const counted = counters.get(options.markOf(service, rs.id)) ?? NOTHING
      if (counted.accepted + counted.reset > 0) heard.add(rs.hostId)
      return { rs, counted }
    })
    const before = new Map(watched.servers)
    const judged = ({ rs, counted }: (typeof read)[number], blind: boolean) =>
      judge(before.get(rs.id), { at, counted, heard: heard.has(rs.hostId), blind }, rules)
    const fallen = read.some(one => (before.get(one.rs.id)?.falls ?? 0) < judged(one, false).falls)
    // Where turns decide, connections are counted before it is known whether they have an entry.
    const blind = fallen && (await options.isFull(compiled.zone))
    watched.servers.clear()
    let changed = false
    for (const { rs, counted } of read) {
      const last = before.get(rs.id)
      const next = judged({ rs, counted }, blind)
      watched.servers.set(rs.id, next)
      if (last !== undefined) tell(service, rs, last, next)
      if (rules.retryMs !== undefined && last !== undefined && barredBy(last) !== barredBy(next)) changed = true
    }
    if (!changed) return
    options.replan([service.key], 'passive health')
  }

  const tell = ({ service }: VirtualService, rs: RealServer, last: Acceptance, next: Acceptance) => {
    const fields = { service, vm: rs.vm, host: rs.hostId }
    if (next.phase !== last.phase) options.changed()
    if (next.phase === 'out' && next.falls > last.falls)
      log.warn('a real server', { ...fields, err: new CrossportError('NOT_ACCEPTING', acceptanceText(next)) })
    if (next.phase === 'accepting' && last.phase !== 'accepting') log.notice('a real server accepts again', fields)
  }

  /** Returns how long to wait before the next reading. */
  const tick = async (): Promise<number> => {
    const sw = options.switch()
    const plan = options.plan()
    if (sw?.state !== 'up' || plan === undefined) return TICK.usual
    const keys = new Set(plan.services.map(({ key }) => key))
    for (const key of services.keys()) if (!keys.has(key)) services.delete(key)
    let trial = false
    for (const [i, service] of plan.services.entries()) {
      if (service.protocol !== 'tcp' || stopped) continue
      const watched = services.get(service.key) ?? { servers: new Map(), total: 0 }
      services.set(service.key, watched)
      if (isDue(service, watched)) await look(sw, service, plan.compiled[i]!, watched)
      trial ||= watched.servers.values().some(({ phase }) => phase === 'trial')
    }
    const silent = unheard()
    if (silent.length !== told) options.changed()
    told = silent.length
    return trial ? TICK.trial : TICK.usual
  }

  const isDue = ({ key, realServers }: VirtualService, { servers, total }: Watched) =>
    options.totalOf(key) !== total ||
    realServers.length !== servers.size ||
    realServers.some(({ id }) => !servers.has(id)) ||
    // A trial begins with another connection.
    servers.values().some(({ unanswered, phase }) => unanswered > 0 || phase === 'out' || phase === 'tried')

  const run = async () => {
    const began = clock.now()
    let next: number = TICK.usual
    try {
      next = await tick()
      failing = false
    } catch (err) {
      if (!failing) log.warn('it is not known whether real servers accept connections', { err })
      failing = true
    }
    if (!stopped) cancel = clock.after(Math.max(next, (clock.now() - began) / SHARE), () => void run())
  }
  cancel = clock.after(TICK.trial, () => void run())

  const acceptanceOf = ({ key }: Pick<VirtualService, 'key'>, id: string) => services.get(key)?.servers.get(id)
  const unheard = () => {
    const now = clock.now()
    const silent = new Map<string, number>()
    for (const service of options.plan()?.services ?? []) {
      const { fall } = rulesOf(service)
      for (const { id, hostId, state } of service.realServers) {
        const seen = acceptanceOf(service, id)
        if (seen === undefined || heard.has(hostId) || state === 'lost') continue
        if (seen.unanswered >= fall && now - seen.since >= GRACE_MS)
          silent.set(hostId, (silent.get(hostId) ?? 0) + seen.unanswered)
      }
    }
    return [...silent].map(([hostId, connections]) => ({ hostId, connections }))
  }
  const judged: Judged = service => {
    const { passive } = service.options
    const watched = services.get(service.key)
    if (passive === undefined || watched?.servers.values().every(({ phase }) => phase === 'accepting') !== false)
      return service
    return {
      ...service,
      realServers: service.realServers.map(rs => {
        const acceptance = watched.servers.get(rs.id)
        const barred = acceptance && barredBy(acceptance)
        if (barred === undefined || rs.state !== 'ready' || rs.terms?.sorry === true) return rs
        return { ...rs, barred, panic: passive.panic }
      }),
    }
  }

  return {
    judged,
    acceptanceOf,
    unheard,
    stop: () => {
      stopped = true
      cancel()
    },
  }
}

const NOTHING = { opened: 0, accepted: 0, reset: 0 }

function rulesOf({ options: { passive } }: VirtualService): AcceptanceRules {
  return { fall: passive?.fall ?? DEFAULT_FALL, retryMs: passive?.retry }
}
