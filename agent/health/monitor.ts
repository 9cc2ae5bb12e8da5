import { formatDuration } from '../../shared/config/duration.ts'
import type { Log } from '../../shared/log.ts'
import type { Clock } from '../../shared/run/clock.ts'
import { type HealthState, held, isSilent, newHealth, onResult, onTraffic, pause, STABLE_MS } from './state.ts'
import type { CheckTarget, Health, ProbeResult, Prober, Traffic } from './types.ts'
import { checkText } from './words.ts'

export interface HealthMonitorOptions {
  readonly prober: Prober
  readonly clock: Clock
  readonly log: Log
  /** A verdict or its reason has changed. */
  onChange(): void
  /** A check has failed after one that succeeded: the guest may have a fault. */
  onSuspect(target: CheckTarget): void
}

/** Checks real servers, each in a rhythm of its own. */
export interface HealthMonitor {
  /** Takes the whole list of targets (level-triggered). Results of a real server are kept while its VM runs. */
  set(targets: readonly CheckTarget[]): void
  /** Undefined for a real server without a check; the same object while verdict and reason stay. */
  health(key: string): Health | undefined
  /** Takes the packets of clients counted so far, by real server. Each call ends an observation window. */
  observe(traffic: ReadonlyMap<string, Traffic>): void
  /** The newest result as text for status: `status 200 in 3 ms`. */
  last(key: string): string
  stop(): void
}

export function createHealthMonitor(options: HealthMonitorOptions): HealthMonitor {
  const entries = new Map<string, Entry>()
  return {
    set: targets => {
      const wanted = new Map(targets.map(target => [target.key, target]))
      for (const [key, entry] of entries) {
        const next = wanted.get(key)
        if (next !== undefined && next.runId === entry.target.runId && next.vmUuid === entry.target.vmUuid) continue
        entry.stop()
        entries.delete(key)
      }
      for (const target of targets) {
        const entry = entries.get(target.key)
        if (entry !== undefined) entry.set(target)
        else entries.set(target.key, createEntry(target, options))
      }
    },
    health: key => entries.get(key)?.health,
    observe: traffic => {
      for (const [key, entry] of entries) entry.observe(traffic.get(key))
    },
    last: key => entries.get(key)?.last ?? '',
    stop: () => {
      for (const entry of entries.values()) entry.stop()
      entries.clear()
    },
  }
}

interface Entry {
  readonly target: CheckTarget
  readonly health: Health
  readonly last: string
  set(target: CheckTarget): void
  observe(traffic: Traffic | undefined): void
  stop(): void
}

function createEntry(first: CheckTarget, { prober, clock, log, onChange, onSuspect }: HealthMonitorOptions): Entry {
  let target = first
  let state = newHealth(first.presumedUp)
  let known: Traffic | undefined
  let running: AbortController | undefined
  let cancelTimer = () => {}
  /** Why the real server went down, or why it is not up yet. */
  let cause = awaited()
  let last = 'no result yet'
  let blocked: string | undefined
  let health: Health = describe()

  function awaited(): string {
    const { rise } = target.check
    return rise === 1 ? 'has to succeed first' : `has to succeed ${rise} times in a row first`
  }

  function describe(): Health {
    const { verdict } = state
    const what = checkText(target)
    if (verdict === 'up') return { verdict, reason: isSilent(state, target.check) ? SILENT : '' }
    if (blocked !== undefined) return { verdict, reason: `${what} cannot be made: ${blocked}` }
    if (!held(state, target.check, clock.now())) return { verdict, reason: `${what}: ${cause}` }
    const flaps = `it fell ${state.falls} times and was never up for ${formatDuration(STABLE_MS)} in between`
    return { verdict, reason: `${what}: good again; held back, because ${flaps}` }
  }

  const tell = () => {
    const next = describe()
    if (next.verdict === health.verdict && next.reason === health.reason) return
    health = next
    onChange()
  }

  const become = (next: HealthState, why: string) => {
    const before = state
    state = next
    if (before.verdict !== 'down' && next.verdict === 'down') {
      cause = why
      if (next.heldUntil > clock.now())
        log.notice(`a real server is flapping; it stays down for ${formatDuration(next.heldUntil - clock.now())}`, {
          ...labels(target),
          falls: next.falls,
        })
    } else if (next.verdict === 'unknown') cause = why
    else if (next.last === 'bad') cause = why
    tell()
  }

  const taken = (result: ProbeResult) => {
    blocked = result.kind === 'impossible' ? result.reason : undefined
    if (result.kind === 'impossible') {
      last = `cannot be made: ${result.reason}`
      return tell()
    }
    const good = result.kind === 'good'
    const said = result.kind === 'good' ? result.detail : result.reason
    last = good ? said : `failed: ${said}`
    const news = !good && state.last !== 'bad'
    if (news) log.notice(`a health check has failed: ${said}`, { ...labels(target), check: checkText(target) })
    become(onResult(state, good, target.check, clock.now()), good ? awaited() : said)
    if (news) onSuspect(target)
  }

  const run = async () => {
    const mine = new AbortController()
    running = mine
    const started = clock.now()
    const result = await prober(target, mine.signal).catch(
      (error: Error): ProbeResult => ({ kind: 'impossible', reason: error.message }),
    )
    if (mine.signal.aborted) return
    running = undefined
    taken(result)
    if (running === undefined && !mine.signal.aborted) schedule(started + pause(state, target.check))
  }

  const schedule = (at: number) => {
    cancelTimer()
    cancelTimer = clock.after(Math.max(0, at - clock.now()), () => void run())
  }

  const halt = () => {
    cancelTimer()
    running?.abort()
    running = undefined
  }

  const begin = () => {
    if (target.obstacle !== undefined) {
      blocked = target.obstacle
      return
    }
    blocked = undefined
    // Checks of real servers that are up or down are spread over the interval; a new real server is checked at once.
    const delay = state.verdict === 'unknown' ? 0 : spread(target.key) * target.check.retryInterval
    schedule(clock.now() + delay)
  }

  begin()
  health = describe()
  return {
    get target() {
      return target
    },
    get health() {
      return health
    },
    get last() {
      return last
    },
    set: changed => {
      if (changed === target) return
      const same = JSON.stringify(testOf(changed)) === JSON.stringify(testOf(target))
      target = changed
      if (same) return
      halt()
      // The earlier results were about another test.
      state = { ...state, last: undefined, streak: 0 }
      begin()
      tell()
    },
    observe: traffic => {
      const before = known
      known = traffic
      if (
        traffic === undefined ||
        before === undefined ||
        target.check.passive === 'off' ||
        target.obstacle !== undefined
      )
        return
      const window = { requests: traffic.requests - before.requests, replies: traffic.replies - before.replies }
      // Counters begin at 0 again when a flow is installed anew.
      if (window.requests < 0 || window.replies < 0) return
      const next = onTraffic(state, window, target.check, clock.now())
      if (next === state) return
      // The first silent window triggers a check, which may decide sooner than the next window.
      if (next.silent === 1 && running === undefined) schedule(clock.now())
      if (isSilent(next, target.check) || next.verdict === 'down')
        log.notice(SILENT, { ...labels(target), packets: window.requests })
      become(next, SILENT)
    },
    stop: halt,
  }
}

const SILENT = 'clients send and nothing comes back'

/** What a result depends on. Results stay valid when something else changes. */
function testOf({ check, address, port, obstacle }: CheckTarget) {
  return { check, address, port, obstacle }
}

function labels({ service, vm, port }: CheckTarget) {
  return { service, vm, port }
}

/** A number from 0 to 1, always the same for one key. */
function spread(key: string): number {
  let hash = 0
  for (const char of key) hash = (hash * 31 + char.charCodeAt(0)) >>> 0
  return (hash % 1000) / 1000
}
