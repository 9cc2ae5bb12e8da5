import type { Scheduler } from '../../shared/config/service.ts'
import type { Log } from '../../shared/log.ts'
import type { Clock } from '../../shared/run/clock.ts'
import type { Switch } from '../../shared/switch/types.ts'
import { passing } from '../compile/features/passing.ts'
import type { CompiledService } from '../compile/types.ts'
import type { Plan } from '../plan.ts'
import type { VirtualService } from '../registry/services.ts'
import type { RealServer } from '../registry/types.ts'
import { SLOTS } from '../schedule/apportion.ts'
import { type Lives, live } from '../schedule/lives.ts'
import { observe, type ServiceLoad, type Thresholds } from '../schedule/load.ts'
import { keptInPanic } from '../schedule/panic.ts'
import { epochOf, type Knowledge, type Schedule, schedule } from '../schedule/schedule.ts'
import { readActivity, readCounters, readTotal } from './counters.ts'
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
  /** The newest account of a service's connections, for status. */
  load(key: string): ServiceLoad | undefined
  stop(): void
}

interface Account {
  /** Of the last reading; `applied` is what the shares in force were made by. */
  latest?: ServiceLoad
  applied?: ServiceLoad
  appliedAt: number
  lives: Lives
  packets: number
}

export function startBalance(options: BalanceOptions): Balance {
  const { clock, log } = options
  const accounts = new Map<string, Account>()
  let due = new Set<string>()
  let seen: readonly VirtualService[] = []
  let total = -1
  let packets: ReadonlyMap<number, number> = new Map()
  let horizonMs: number = TICK.idle
  let stopped = false
  let failing = false
  let cancel = () => {}

  const accountOf = (service: VirtualService): Account => {
    const now = clock.now()
    const known = accounts.get(service.key)
    const lives = live(known?.lives, service.realServers, now)
    const account = known ?? { appliedAt: now, lives, packets: 0 }
    if (!sameLives(account.lives, lives)) account.appliedAt = now
    account.lives = lives
    accounts.set(service.key, account)
    return account
  }

  const known = (account: Account): Knowledge => {
    return { now: account.appliedAt, lives: account.lives, load: account.applied, horizonMs }
  }

  const tick = async (): Promise<number> => {
    const sw = options.switch()
    const plan = options.plan()
    if (sw?.state !== 'up' || plan === undefined) return TICK.idle
    if (plan.services !== seen) {
      const present = new Set(plan.services.map(service => service.key))
      for (const key of accounts.keys()) if (!present.has(key)) accounts.delete(key)
      seen = plan.services
    }
    const few = plan.services.some(service => countsEach(service, accounts.get(service.key)?.latest))
    if (few) await refresh(sw)
    const sum = await readTotal(sw)
    if (sum !== total) packets = await readActivity(sw)
    total = sum
    const busy = plan.services.flatMap((service, i) => {
      const compiled = plan.compiled[i]!
      const account = accounts.get(service.key)
      if (account === undefined) return []
      const now = packets.get(compiled.number) ?? 0
      const due =
        now !== account.packets || account.latest === undefined || account.latest.peak > 1 || account.latest.many
      return due ? [{ service, compiled, account, now }] : []
    })
    // Whoever has been waiting longest goes first.
    busy.sort((a, b) => (a.account.latest?.at ?? 0) - (b.account.latest?.at ?? 0))
    for (const { service, compiled, account, now } of busy.slice(0, LOOKED_AT)) {
      account.packets = now
      // As it is scheduled (plan.ts).
      await look(sw, keptInPanic(service), compiled, account)
    }
    for (const service of plan.services) if (ages(service)) age(keptInPanic(service))
    const large = busy.some(({ service }) => service.realServers.length > SLOTS)
    horizonMs = large ? TICK.large : few && busy.length <= 4 ? TICK.few : TICK.many
    return busy.length === 0 ? TICK.idle : horizonMs
  }

  const look = async (
    sw: Pick<Switch, 'readFlowStats'>,
    service: VirtualService,
    compiled: CompiledService,
    account: Account,
  ) => {
    const counters = await readCounters(sw, compiled)
    const at = clock.now()
    const now: Knowledge = { now: at, lives: account.lives, horizonMs }
    account.latest = observe(account.latest, {
      at,
      epoch: epochOf(service, now),
      counters: new Map(
        service.realServers.flatMap(rs => {
          const counted = counters.get(options.markOf(service, rs.id))
          return counted === undefined ? [] : [[rs.id, counted]]
        }),
      ),
      servers: new Map(service.realServers.map(rs => [rs.id, thresholds(rs)])),
      ...(BY_ACTIVE.has(service.scheduler) ? { manyFrom: MANY_BY_ACTIVE } : {}),
      ...(service.protocol === 'udp' ? { idleMs: options.udpTimeout * 1000 } : {}),
    })
    const before = schedule(service, known(account))
    const after = schedule(service, { ...now, load: account.latest })
    if (sameTargets(before, after) && isSettled(before, after)) return
    account.applied = account.latest
    account.appliedAt = at
    due.add(service.key)
    options.mark('load')
  }

  /** Slow starts and drain timeouts go on by the clock alone. */
  const age = (service: VirtualService) => {
    const account = accounts.get(service.key)
    if (account === undefined) return
    const now = { ...known(account), now: clock.now() }
    const before = schedule(service, known(account))
    const after = schedule(service, now)
    if (sameTargets(before, after) && isSettled(before, after)) return
    account.appliedAt = now.now
    due.add(service.key)
    options.mark('time')
  }

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
    knowledge: service => known(accountOf(service)),
    due: () => {
      const taken = due
      due = new Set()
      return taken
    },
    load: key => accounts.get(key)?.latest,
    stop: () => {
      stopped = true
      cancel()
    },
  }
}

const NOTHING = { addGroups: [], modifyGroups: [], addFlows: [], replaceFlows: [], deleteFlows: [], deleteGroups: [] }

/** Few enough come that each of them counts, for an algorithm or a threshold that goes by who is there. */
function countsEach({ scheduler, realServers }: VirtualService, load: ServiceLoad | undefined): boolean {
  if (load === undefined || load.peak <= 1 || load.peak >= FEW_RATE) return false
  return BY_ACTIVE.has(scheduler) || realServers.some(rs => (rs.terms?.upper ?? 0) > 0)
}

/** Their turns change with every reading, and at each change the switch looks through all that it has cached. */
const MANY_BY_ACTIVE = 300
const BY_ACTIVE: ReadonlySet<Scheduler> = new Set(['lc', 'wlc', 'sed', 'nq'])

function thresholds(rs: RealServer): Thresholds | undefined {
  return rs.terms === undefined ? undefined : { upper: rs.terms.upper, lower: rs.terms.lower }
}

function ages({ options }: VirtualService): boolean {
  return Boolean(options.slowStart) || options.drainTimeout !== undefined
}

function sameLives(a: Lives, b: Lives): boolean {
  return a.size === b.size && [...b].every(([id, life]) => a.get(id) === life)
}

function sameTargets(a: Schedule, b: Schedule): boolean {
  return JSON.stringify(a.established) === JSON.stringify(b.established)
}
