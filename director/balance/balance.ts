import type { Scheduler } from '../../shared/config/service.ts'
import { NO_CHANGE } from '../../shared/flows/diff.ts'
import type { Log } from '../../shared/log.ts'
import type { Clock } from '../../shared/run/clock.ts'
import type { Switch } from '../../shared/switch/types.ts'
import { passing } from '../compile/features/passing.ts'
import type { CompiledService } from '../compile/types.ts'
import type { Judged, Plan } from '../plan/plan.ts'
import type { VirtualService } from '../registry/services.ts'
import type { RealServer } from '../registry/types.ts'
import { SLOTS } from '../schedule/apportion.ts'
import { type Lives, live, nextStep } from '../schedule/lives.ts'
import { observe, type ServiceLoad, type Thresholds } from '../schedule/load.ts'
import { keptInPanic } from '../schedule/panic.ts'
import { epochOf, type Knowledge, type Schedule, schedule } from '../schedule/schedule.ts'
import { type Counted, type Counters, readActivity, readCounters, readTotal } from './counters.ts'
import { isSettled } from './settled.ts'

/**
 * Milliseconds between two readings of the counters. few: few connections come, and each counts. many: many come. large: a
 * service has more real servers than slots, so its group changes at each reading. idle: none come.
 */
const TICK = { few: 50, many: 100, large: 500, idle: 100 } as const
/** Up to this rate, in connections a second, the switch is asked to update its counters before each reading. */
const FEW_RATE = 500
/** Milliseconds that the switch needs to update its counters. */
const FRESH_MS = 5
/** Most services that one reading examines; other services with new connections wait for the next. */
const LOOKED_AT = 20

export interface BalanceOptions {
  readonly switch: () => Pick<Switch, 'state' | 'readFlowStats' | 'readPackets' | 'commit'> | undefined
  /** The plan in force. */
  readonly plan: () => Plan | undefined
  readonly markOf: (service: VirtualService, id: string) => number
  readonly judged: Judged
  /** How many of the `opened` connections have ended without being counted. */
  readonly forgottenOf: (service: VirtualService, id: string, opened: number) => number
  /** Clock milliseconds of the connection table's last known loss. */
  readonly lostAt?: number | undefined
  /** Seconds after which an idle UDP flow is forgotten. */
  readonly udpTimeout: number
  readonly log: Log
  readonly clock: Clock
  /** Requests a new plan, because the shares of these services (keys) must change. */
  replan(keys: readonly string[], reason: string): void
}

/**
 * The scheduler's feedback: reads the switch's counters, and requests a new plan for a service when its shares must change.
 * Level-triggered: counters are totals, so a missed or late reading costs accuracy for one interval and nothing else. It changes
 * only the group, which chooses for new connections, so no established connection moves.
 */
export interface Balance {
  /** What a plan of this service is based on. Also updates the lives of the service's real servers. */
  knowledge(service: VirtualService): Knowledge
  /** The switch's connection table is a new one: for a while, hosts are asked about clients. */
  tableLost(): void
  /** The last counted load of a service, for status. */
  load(key: string): ServiceLoad | undefined
  stop(): void
}

interface Tally {
  /** The service in force; undefined until there is one. */
  service?: VirtualService
  compiled?: CompiledService
  /** Load at the last reading; `applied` is the load that the shares in force were made from. */
  latest?: ServiceLoad
  applied?: ServiceLoad
  appliedAt: number
  lives: Lives
  /** New connections counted by the switch. */
  packets: number
  /** Clock milliseconds when it was last known to have no connections; undefined: it has had some, or has not been examined. */
  unusedAt?: number
  /** Clock milliseconds at which time alone may change its shares. */
  wakeAt: number
}

export function startBalance(options: BalanceOptions): Balance {
  const { clock, log } = options
  const tallies = new Map<string, Tally>()
  /** Tallies of the services in force, by number. */
  const byNumber = new Map<number, Tally>()
  /** Tallies to examine: new connections have come, or the next are due at the present rate. Oldest first. */
  const hot = new Set<Tally>()
  /** Tallies to examine when their time comes. */
  const timed = new Set<Tally>()
  /** Tallies with active connections, one of which may end without a new one beginning. Examined in turn while `hot` is empty. */
  const resting = new Set<Tally>()
  let fresh: Tally[] = []
  let seen: Plan['compiled'] | undefined
  let total = -1
  let horizonMs: number = TICK.idle
  let stopped = false
  let failing = false
  let cancel = () => {}
  let lostAt = options.lostAt ?? Number.NEGATIVE_INFINITY
  /** By service: stops the timer that ends the recall of its clients. */
  const recallEnds = new Map<string, () => void>()

  const tallyOf = (service: VirtualService): Tally => {
    const now = clock.now()
    const known = tallies.get(service.key)
    const lives = live(known?.lives, service.realServers, now)
    const tally = known ?? { appliedAt: now, lives, packets: 0, wakeAt: Number.POSITIVE_INFINITY }
    if (!sameLives(tally.lives, lives)) tally.appliedAt = now
    tally.lives = lives
    tallies.set(service.key, tally)
    arm(tally, service, now)
    return tally
  }

  const arm = (tally: Tally, service: VirtualService, now: number) => {
    const { many = false, manyUntil = 0 } = tally.latest ?? {}
    const step = nextStep(tally.lives, service.options, now)
    tally.wakeAt = Math.min(step, many ? manyUntil : Number.POSITIVE_INFINITY)
    if (tally.wakeAt < Number.POSITIVE_INFINITY) timed.add(tally)
    else timed.delete(tally)
  }

  const known = (tally: Tally, recalled: boolean): Knowledge => {
    return { now: tally.appliedAt, lives: tally.lives, load: tally.applied, horizonMs, recalled }
  }

  /** Whether hosts may still have useful entries of this service's clients. */
  const isRecalled = ({ key, options: { persistence } }: VirtualService): boolean => {
    const left = persistence === undefined ? 0 : lostAt + persistence.timeout * 1000 - clock.now()
    if (left <= 0) return false
    recallEnds.get(key)?.()
    recallEnds.set(
      key,
      clock.after(left, () => options.replan([key], 'clients are recalled no longer')),
    )
    return true
  }

  const tableLost = () => {
    lostAt = clock.now()
    const persistent = [...tallies.values()].flatMap(({ service }) => (service?.options.persistence ? service.key : []))
    if (persistent.length > 0) options.replan(persistent, 'clients are recalled')
  }

  /** Takes over a new plan. */
  const follow = (plan: Plan) => {
    seen = plan.compiled
    byNumber.clear()
    for (const [i, service] of plan.services.entries()) {
      const tally = tallies.get(service.key) ?? tallyOf(service)
      if (tally.service === undefined) fresh.push(tally)
      tally.service = service
      tally.compiled = plan.compiled[i]!
      byNumber.set(tally.compiled.number, tally)
    }
    if (byNumber.size === tallies.size) return
    for (const [key, tally] of tallies) {
      // A planned service will come into force later.
      if (tally.compiled === undefined || byNumber.get(tally.compiled.number) === tally) continue
      tallies.delete(key)
      recallEnds.get(key)?.()
      recallEnds.delete(key)
      for (const set of [hot, timed, resting]) set.delete(tally)
    }
  }

  /** Finds services with new connections. Costs one small reply while there are none. */
  const findNew = async (sw: Pick<Switch, 'readFlowStats' | 'readPackets'>) => {
    const sum = await readTotal(sw)
    if (sum !== total) {
      for (const [number, packets] of await readActivity(sw)) {
        const tally = byNumber.get(number)
        if (tally === undefined || tally.packets === packets) continue
        tally.packets = packets
        hot.add(tally)
      }
      total = sum
    }
    for (const tally of fresh) if (tally.packets === 0) tally.unusedAt = clock.now()
    fresh = []
  }

  /** Examines the services that have new connections or whose time has come. Costs in proportion to their number. */
  const tick = async (): Promise<number> => {
    const sw = options.switch()
    const plan = options.plan()
    if (sw?.state !== 'up' || plan === undefined) return TICK.idle
    if (plan.compiled !== seen) follow(plan)
    const few = hot.values().some(countsEach)
    if (few) await refresh(sw)
    await findNew(sw)
    const now = clock.now()
    for (const tally of timed) if (tally.wakeAt <= now && tally.service !== undefined) hot.add(tally)
    const large = hot.values().some(({ service }) => service!.realServers.length > SLOTS)
    const busy = hot.size
    const chosen = busy > 0 ? hot.values().take(LOOKED_AT) : resting.values().take(1)
    for (const tally of [...chosen]) await look(sw, tally)
    horizonMs = large ? TICK.large : few && busy <= 4 ? TICK.few : TICK.many
    return busy === 0 ? TICK.idle : horizonMs
  }

  const look = async (sw: Pick<Switch, 'readFlowStats'>, tally: Tally) => {
    // The service as the scheduler sees it (plan/plan.ts).
    const service = keptInPanic(options.judged(tally.service!))
    const counters = await readCounters(sw, tally.compiled!)
    const at = clock.now()
    if (tally.latest === undefined && tally.unusedAt !== undefined)
      tally.latest = observed(service, tally, new Map(), tally.unusedAt)
    tally.latest = observed(service, tally, counters, at)
    arm(tally, service, at)
    hot.delete(tally)
    resting.delete(tally)
    if (tally.latest.peak > 1) hot.add(tally)
    if (tally.latest.servers.values().some(({ active }) => active >= 0.5)) resting.add(tally)
    const before = schedule(service, known(tally, false))
    const after = schedule(service, { now: at, lives: tally.lives, load: tally.latest, horizonMs })
    const sameMany = tally.latest.many === (tally.applied?.many ?? false)
    if (sameMany && sameTargets(before, after) && isSettled(before, after)) return
    tally.applied = tally.latest
    tally.appliedAt = at
    options.replan([service.key], 'load')
  }

  const byServer = <T>(service: VirtualService, counters: Counters, of: (counted: Counted, id: string) => T) =>
    new Map(
      service.realServers.flatMap(({ id }): [string, T][] => {
        const counted = counters.get(options.markOf(service, id))
        return counted === undefined ? [] : [[id, of(counted, id)]]
      }),
    )

  const observed = (service: VirtualService, { latest, lives }: Tally, counters: Counters, at: number): ServiceLoad =>
    observe(latest, {
      at,
      epoch: epochOf(service, { now: at, lives }),
      counters: byServer(service, counters, counted => counted),
      forgotten: byServer(service, counters, ({ opened }, id) => options.forgottenOf(service, id, opened)),
      servers: new Map(service.realServers.map(rs => [rs.id, thresholds(rs)])),
      ...(BY_ACTIVE.has(service.scheduler) ? { manyFrom: MANY_BY_ACTIVE } : {}),
      ...(service.protocol === 'udp' ? { idleMs: options.udpTimeout * 1000 } : {}),
    })

  /** Makes the switch update its counters: after any change of its tables it reads all flows of its datapath. */
  const refresh = async (sw: Pick<Switch, 'commit'>) => {
    await sw.commit({ ...NO_CHANGE, replaceFlows: passing().slice(0, 1) })
    await new Promise<void>(resolve => clock.after(FRESH_MS, resolve))
  }

  const run = async () => {
    let next: number = TICK.idle
    try {
      next = await tick()
      failing = false
    } catch (err) {
      if (!failing) log.warn('the connections cannot be counted; shares stay as they are', { err })
      failing = true
    }
    if (!stopped) cancel = clock.after(next, () => void run())
  }
  cancel = clock.after(TICK.idle, () => void run())

  return {
    knowledge: service => known(tallyOf(service), isRecalled(service)),
    load: key => tallies.get(key)?.latest,
    tableLost,
    stop: () => {
      stopped = true
      cancel()
      for (const cancelEnd of recallEnds.values()) cancelEnd()
    },
  }
}

/** Whether each single connection matters: few come, and the algorithm or a threshold depends on the active ones. */
function countsEach({ service, latest }: Tally): boolean {
  if (service === undefined || latest === undefined || latest.peak <= 1 || latest.peak >= FEW_RATE) return false
  return BY_ACTIVE.has(service.scheduler) || service.realServers.some(rs => (rs.terms?.upper ?? 0) > 0)
}

/**
 * Recent connections from which an algorithm by active connections uses shares: its turns would change with every reading, and
 * each change makes the switch revalidate all cached flows.
 */
const MANY_BY_ACTIVE = 300
const BY_ACTIVE: ReadonlySet<Scheduler> = new Set(['lc', 'wlc', 'sed', 'nq'])

function thresholds(rs: RealServer): Thresholds | undefined {
  return rs.terms === undefined ? undefined : { upper: rs.terms.upper, lower: rs.terms.lower }
}

function sameLives(a: Lives, b: Lives): boolean {
  return a.size === b.size && [...b].every(([id, life]) => a.get(id) === life)
}

function sameTargets(a: Schedule, b: Schedule): boolean {
  return JSON.stringify(a.established) === JSON.stringify(b.established)
}
