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
  /** Shares have to change: the loop makes a new plan. */
  mark(reason: string): void
}

/**
 * The feedback of the scheduler: reads what the switch has counted, and marks the loop when a service's shares are to
 * change by it. Level-triggered: counters are totals, so a reading that is missed or late costs accuracy for one
 * interval and nothing else. It never moves a connection: only the group, which chooses for new ones, is changed.
 */
export interface Balance {
  /** What the plan is to be made by. Follows the lives of the service's real servers. */
  knowledge(service: VirtualService): Knowledge
  /** Keys of the services that the loop has been marked for since this was called last. */
  due(): ReadonlySet<string>
  /** The switch's connection table knows nothing of what was before: for a while, hosts do. */
  tableLost(): void
  /** The newest account of a service's connections, for status. */
  load(key: string): ServiceLoad | undefined
  stop(): void
}

interface Account {
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
  const accounts = new Map<string, Account>()
  /** Of the services in force. */
  const byNumber = new Map<number, Account>()
  /** To be looked at: new connections have come, or they come at such a rate that the next ones are due. Oldest first. */
  const hot = new Set<Account>()
  /** To be looked at, at its time. */
  const timed = new Set<Account>()
  /** With active connections, of which one may end while no new one comes. Looked at in turn, when nobody is hot. */
  const resting = new Set<Account>()
  let fresh: Account[] = []
  let due = new Set<string>()
  let seen: Plan['compiled'] | undefined
  let total = -1
  let horizonMs: number = TICK.idle
  let stopped = false
  let failing = false
  let cancel = () => {}
  let lostAt = options.lostAt ?? Number.NEGATIVE_INFINITY
  /** By service: ends the timer of the end. */
  const recallEnds = new Map<string, () => void>()

  const accountOf = (service: VirtualService): Account => {
    const now = clock.now()
    const known = accounts.get(service.key)
    const lives = live(known?.lives, service.realServers, now)
    const account = known ?? { appliedAt: now, lives, packets: 0, wakeAt: Number.POSITIVE_INFINITY }
    if (!sameLives(account.lives, lives)) account.appliedAt = now
    account.lives = lives
    accounts.set(service.key, account)
    arm(account, service, now)
    return account
  }

  const arm = (account: Account, service: VirtualService, now: number) => {
    const { many = false, manyUntil = 0 } = account.latest ?? {}
    const step = nextStep(account.lives, service.options, now)
    account.wakeAt = Math.min(step, many ? manyUntil : Number.POSITIVE_INFINITY)
    if (account.wakeAt < Number.POSITIVE_INFINITY) timed.add(account)
    else timed.delete(account)
  }

  const known = (account: Account, recalled: boolean): Knowledge => {
    return { now: account.appliedAt, lives: account.lives, load: account.applied, horizonMs, recalled }
  }

  /** An entry that hosts have of a client may be of use until the last of them would have ended. */
  const isRecalled = ({ key, options: { persistence } }: VirtualService): boolean => {
    const left = persistence === undefined ? 0 : lostAt + persistence.timeout * 1000 - clock.now()
    if (left <= 0) return false
    recallEnds.get(key)?.()
    recallEnds.set(
      key,
      clock.after(left, () => replan([key], 'clients are recalled no longer')),
    )
    return true
  }

  const replan = (keys: readonly string[], reason: string) => {
    for (const key of keys) due.add(key)
    options.mark(reason)
  }

  const tableLost = () => {
    lostAt = clock.now()
    const persistent = [...accounts.values()].flatMap(({ service }) =>
      service?.options.persistence ? service.key : [],
    )
    if (persistent.length > 0) replan(persistent, 'clients are recalled')
  }

  /** Another plan is in force. */
  const follow = (plan: Plan) => {
    seen = plan.compiled
    byNumber.clear()
    for (const [i, service] of plan.services.entries()) {
      const account = accounts.get(service.key) ?? accountOf(service)
      if (account.service === undefined) fresh.push(account)
      account.service = service
      account.compiled = plan.compiled[i]!
      byNumber.set(account.compiled.number, account)
    }
    if (byNumber.size === accounts.size) return
    for (const [key, account] of accounts) {
      // One that is planned will be in force.
      if (account.compiled === undefined || byNumber.get(account.compiled.number) === account) continue
      accounts.delete(key)
      recallEnds.get(key)?.()
      recallEnds.delete(key)
      for (const set of [hot, timed, resting]) set.delete(account)
    }
  }

  /** Costs one small answer while no connection comes. */
  const findNew = async (sw: Pick<Switch, 'readFlowStats' | 'readPackets'>) => {
    const sum = await readTotal(sw)
    if (sum !== total) {
      for (const [number, packets] of await readActivity(sw)) {
        const account = byNumber.get(number)
        if (account === undefined || account.packets === packets) continue
        account.packets = packets
        hot.add(account)
      }
      total = sum
    }
    for (const account of fresh) if (account.packets === 0) account.unusedAt = clock.now()
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
    for (const account of timed) if (account.wakeAt <= now && account.service !== undefined) hot.add(account)
    const large = hot.values().some(({ service }) => service!.realServers.length > SLOTS)
    const busy = hot.size
    const chosen = busy > 0 ? hot.values().take(LOOKED_AT) : resting.values().take(1)
    for (const account of [...chosen]) await look(sw, account)
    horizonMs = large ? TICK.large : few && busy <= 4 ? TICK.few : TICK.many
    return busy === 0 ? TICK.idle : horizonMs
  }

  const look = async (sw: Pick<Switch, 'readFlowStats'>, account: Account) => {
    // As it is scheduled (plan.ts).
    const service = keptInPanic(options.judged(account.service!))
    const counters = await readCounters(sw, account.compiled!)
    const at = clock.now()
    if (account.latest === undefined && account.unusedAt !== undefined)
      account.latest = observed(service, account, new Map(), account.unusedAt)
    account.latest = observed(service, account, counters, at)
    arm(account, service, at)
    hot.delete(account)
    resting.delete(account)
    if (account.latest.peak > 1) hot.add(account)
    if (account.latest.servers.values().some(({ active }) => active >= 0.5)) resting.add(account)
    const before = schedule(service, known(account, false))
    const after = schedule(service, { now: at, lives: account.lives, load: account.latest, horizonMs })
    const sameMany = account.latest.many === (account.applied?.many ?? false)
    if (sameMany && sameTargets(before, after) && isSettled(before, after)) return
    account.applied = account.latest
    account.appliedAt = at
    due.add(service.key)
    options.mark('load')
  }

  const byServer = <T>(service: VirtualService, counters: Counters, of: (counted: Counted, id: string) => T) =>
    new Map(
      service.realServers.flatMap(({ id }): [string, T][] => {
        const counted = counters.get(options.markOf(service, id))
        return counted === undefined ? [] : [[id, of(counted, id)]]
      }),
    )

  const observed = (service: VirtualService, { latest, lives }: Account, counters: Counters, at: number): ServiceLoad =>
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
    knowledge: service => known(accountOf(service), isRecalled(service)),
    due: () => {
      const taken = due
      due = new Set()
      return taken
    },
    load: key => accounts.get(key)?.latest,
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
function countsEach({ service, latest }: Account): boolean {
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
