import type { Scheduler } from '../../shared/config/service.ts'
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
 * Milliseconds between two readings: while a few connections come, when each of them counts; while many come; with more
 * real servers than slots, when the group is another at each reading; and while none comes.
 */
const TICK = { few: 50, many: 100, large: 500, idle: 100 } as const
/** Connections a second up to which it is worth while to make the switch bring its counters up to date. */
const FEW_RATE = 500
/** Milliseconds that the switch takes for that. */
const FRESH_MS = 5
/** Services with new connections that are looked at in one reading; the others wait for the next. */
const LOOKED_AT = 20

export interface BalanceOptions {
  readonly switch: () => Pick<Switch, 'state' | 'readFlowStats' | 'readPackets' | 'commit'> | undefined
  /** What is in force. */
  readonly plan: () => Plan | undefined
  readonly markOf: (service: VirtualService, id: string) => number
  readonly judged: Judged
  /** Of the connections that were opened, whose end nobody has counted. */
  readonly forgottenOf: (service: VirtualService, id: string, opened: number) => number
  /** Clock milliseconds at which the connection table was lost last, as far as it is known. */
  readonly lostAt?: number | undefined
  /** Seconds after which an idle UDP flow is forgotten. */
  readonly udpTimeout: number
  readonly log: Log
  readonly clock: Clock
  /** The shares of these services (keys) have to change: the loop makes a new plan. */
  replan(keys: readonly string[], reason: string): void
}

/**
 * The feedback of the scheduler: reads what the switch has counted, and has a service planned anew when its shares are to
 * change by it. Level-triggered: counters are totals, so a reading that is missed or late costs accuracy for one
 * interval and nothing else. It never moves a connection: only the group, which chooses for new ones, is changed.
 */
export interface Balance {
  /** What the plan is to be made by. Follows the lives of the service's real servers. */
  knowledge(service: VirtualService): Knowledge
  /** The switch's connection table knows nothing of what was before: for a while, hosts do. */
  tableLost(): void
  /** What a service's connections were counted to last, for status. */
  load(key: string): ServiceLoad | undefined
  stop(): void
}

interface Tally {
  /** As in force; undefined until it is. */
  service?: VirtualService
  compiled?: CompiledService
  /** Of the last reading; `applied` is what the shares in force were made by. */
  latest?: ServiceLoad
  applied?: ServiceLoad
  appliedAt: number
  lives: Lives
  /** New connections, as the switch counts them. */
  packets: number
  /** Clock milliseconds at which it was known to have had none; undefined: it had, or nobody has looked yet. */
  unusedAt?: number
  /** Clock milliseconds at which time alone may change its shares. */
  wakeAt: number
}

export function startBalance(options: BalanceOptions): Balance {
  const { clock, log } = options
  const tallies = new Map<string, Tally>()
  /** Of the services in force. */
  const byNumber = new Map<number, Tally>()
  /** To be looked at: new connections have come, or they come at such a rate that the next ones are due. Oldest first. */
  const hot = new Set<Tally>()
  /** To be looked at, at its time. */
  const timed = new Set<Tally>()
  /** With active connections, of which one may end while no new one comes. Looked at in turn, when nobody is hot. */
  const resting = new Set<Tally>()
  let fresh: Tally[] = []
  let seen: Plan['compiled'] | undefined
  let total = -1
  let horizonMs: number = TICK.idle
  let stopped = false
  let failing = false
  let cancel = () => {}
  let lostAt = options.lostAt ?? Number.NEGATIVE_INFINITY
  /** By service: ends the timer of the end. */
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

  /** An entry that hosts have of a client may be of use until the last of them would have ended. */
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

  /** Another plan is in force. */
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
      // One that is planned will be in force.
      if (tally.compiled === undefined || byNumber.get(tally.compiled.number) === tally) continue
      tallies.delete(key)
      recallEnds.get(key)?.()
      recallEnds.delete(key)
      for (const set of [hot, timed, resting]) set.delete(tally)
    }
  }

  /** Costs one small answer while no connection comes. */
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

  /** Costs in proportion to the services that connections come to, or for which it is time. */
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
    // As it is scheduled (plan/plan.ts).
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

  /** Any change of the tables makes the switch look through its datapath at once, and credit what it finds. */
  const refresh = async (sw: Pick<Switch, 'commit'>) => {
    await sw.commit({ ...NOTHING, replaceFlows: passing().slice(0, 1) })
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

const NOTHING = { addGroups: [], modifyGroups: [], addFlows: [], replaceFlows: [], deleteFlows: [], deleteGroups: [] }

/** Few enough come that each of them counts, for an algorithm or a threshold that goes by who is there. */
function countsEach({ service, latest }: Tally): boolean {
  if (service === undefined || latest === undefined || latest.peak <= 1 || latest.peak >= FEW_RATE) return false
  return BY_ACTIVE.has(service.scheduler) || service.realServers.some(rs => (rs.terms?.upper ?? 0) > 0)
}

/** Their turns change with every reading, and at each change the switch looks through all that it has cached. */
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
