import { setImmediate } from 'node:timers/promises'
import type { Applied, Applier } from '../shared/apply/apply.ts'
import type { ServiceSpec } from '../shared/config/service.ts'
import { CrossportError } from '../shared/errors.ts'
import type { Compiled } from '../shared/flows/compiled.ts'
import type { Log } from '../shared/log.ts'
import type { Clock } from '../shared/run/clock.ts'
import { createDirtyLoop, type DirtyLoop } from '../shared/run/dirty-loop.ts'
import type { Switch } from '../shared/switch/types.ts'
import { createCompiler } from './compile/compiler.ts'
import type { CompiledService, Site } from './compile/types.ts'
import type { Inputs } from './intake/inputs.ts'
import { createPanicTeller } from './outlets/panics.ts'
import type { Judged, Plan } from './plan/plan.ts'
import { createPlanner, type Part, type Planned } from './plan/planner.ts'
import { expire, nextExpiry } from './registry/registry.ts'
import type { VirtualService } from './registry/services.ts'
import type { Registry } from './registry/types.ts'
import type { Knowledge } from './schedule/schedule.ts'
import type { Store } from './store/store.ts'

export interface ReconcileOptions {
  readonly inputs: Inputs
  readonly store: Store
  readonly applier: Applier
  readonly switch: () => Switch
  readonly log: Log
  readonly clock: Clock
  /** Keys of the services whose shares are due since this was asked last. What is due is told once. */
  dueShares(): ReadonlySet<string>
  /** What has been learnt of a service's connections. */
  knowledge(service: VirtualService): Knowledge
  readonly judged: Judged
  /** Tells the agents who they talk to and which files are in force. */
  offer(site: Site, change: Differing<VirtualService>): void
  /** What goes with the services beside the bridge: connection timeouts. Rejects: the flows are applied, and all is tried again. */
  accompany(change: Differing<CompiledService>): Promise<void>
  /** What the loop waits for, undefined when for nothing. */
  waiting(what: string | undefined): void
  /** The switch has confirmed; called after every act. `altered` is all of the plan when the act before has failed. */
  onApplied(outcome: { readonly plan: Plan; readonly altered: Part; readonly gone: Part; readonly site: Site }): void
}

/** What may differ from the last act, and what is gone. */
export interface Differing<T> {
  readonly altered: readonly T[]
  readonly gone: readonly T[]
}

export interface Reconcile {
  readonly loop: DirtyLoop
  /** What was confirmed last. */
  readonly plan: Plan | undefined
  /** Compares everything with the switch, and resolves with what had to be done. */
  resync(): Promise<Applied>
  /** Removes all that is ours from the switch, and keeps it so until `resync` or a restart. */
  teardown(): Promise<Applied>
  readonly tornDown: boolean
  /** Ends the act under way; the flows stay. */
  stop(): Promise<void>
}

/** A timer that comes later than this: the process was frozen, or the machine that it runs on. */
const HELD_UP_MS = 1000

/**
 * The director's one level-triggered loop. A restart goes like this, and changes nothing in the switch:
 * 1. The state file is opened: numbers, last registrations (alive for one more lease), last good service files.
 * 2. The gate stays shut until the service directory has been read once, OVSDB has named the uplink and the bridge's
 *    MAC, and the switch is connected. Until then the flows in the switch do the work.
 * 3. The installed flows and groups are read back; desired ones are made of files and restored registrations.
 * 4. Only the difference goes out, in one bundle. Without a change outside there is none.
 * 5. Agents dial in again and register; hosts that do not within the lease leave scheduling.
 */
export function startReconcile(options: ReconcileOptions): Reconcile {
  const { inputs, store, applier, log, clock } = options
  const planner = createPlanner(store.numbers)
  const compiler = createCompiler()
  const tellPanics = createPanicTeller(log, options.judged)
  let plan: Plan | undefined
  let tornDown = false
  /** The last pass came to its end: all stations know everything but what has changed since. */
  let complete = false
  let asked: Asked[] = []
  /** Gone, as the planner says once; nobody else knows yet. */
  let left = NO_PART
  let cancelLease = () => {}

  /** Those who ask for an act hear of the first that starts after they asked, also when it fails. */
  const act = async () => {
    const mine = asked
    asked = []
    try {
      const applied = await pass()
      for (const { resolve } of mine) resolve(applied)
    } catch (error) {
      for (const { reject } of mine) reject(error)
      throw error
    }
  }

  /** A whole pass cannot do with less than all, for it is compared with all that the switch has; others have room between. */
  const planned = async (specs: readonly ServiceSpec[], registry: Registry, whole: boolean): Promise<Planned> => {
    const { knowledge, judged, dueShares } = options
    while (planner.take(registry, MOST_REAL_SERVERS)) await setImmediate()
    for (let due = dueShares(); ; due = NOBODY) {
      const next = planner.update({ specs, registry, due, knowledge, judged, most: MOST_SERVICES })
      if (!whole) return next
      left = joined(left, next.gone)
      if (!next.more) {
        const gone = without(left, next.services)
        left = NO_PART
        return { ...next, altered: next, gone }
      }
      await setImmediate()
    }
  }

  /** Costs in proportion to what has changed: it runs many times a second while connections come. */
  const pass = async (): Promise<Applied> => {
    const site = inputs.site
    if (site === undefined) throw new Error('the site is not known')
    const whole = !complete
    complete = false
    inputs.updateRegistry(registry => expire(registry, clock.now()))
    armLease()
    const { services: files, specs, registry } = inputs
    await store.hosts.save(registry.hosts)
    if (files.synced) store.files.save(files.files)
    const next = await planned(specs, registry, whole)
    const { altered, gone } = next
    if (next.more) loop.mark('more')
    const changed = compiler.update({
      site,
      services: next.compiled,
      altered: altered.compiled,
      gone: gone.compiled,
    })
    options.offer(site, { altered: altered.services, gone: gone.services })
    const accompanied = tornDown
      ? { altered: [], gone: [...gone.compiled, ...next.compiled] }
      : { altered: altered.compiled, gone: gone.compiled }
    // Before the flows, for a connection's first packet should find its zone's timeouts; but flows go out without, too.
    const failure = await options.accompany(accompanied).then(
      () => undefined,
      (error: unknown) => ({ error }),
    )
    const applied = tornDown
      ? await applier.apply(NOTHING, options.switch())
      : await applier.apply(compiler.compiled, options.switch(), whole ? {} : { changed })
    tellPanics(altered.services, gone.services)
    plan = next
    complete = !tornDown
    if (applied.added + applied.deleted > 0) log.info('the switch has confirmed', { ...applied })
    else if (applied.changed > 0) log.debug('the switch has confirmed', { ...applied })
    options.onApplied({ plan: next, altered, gone: next.gone, site })
    if (failure) {
      complete = false
      throw failure.error
    }
    return applied
  }

  const armLease = () => {
    cancelLease()
    const at = nextExpiry(inputs.registry)
    if (at === undefined) return
    cancelLease = clock.after(Math.max(1, Math.ceil(at - clock.now())), () => {
      const late = clock.now() - at
      if (late > HELD_UP_MS) {
        log.warn('the director was held up, and heard of no host meanwhile: each has a whole lease from now', { late })
        inputs.excuse()
      }
      loop.mark('lease')
    })
  }

  const run = async (reason: string, tearDown: boolean) => {
    const missing = inputs.missing()
    if (missing !== undefined) throw new CrossportError('NOT_IN_SYNC', `cannot ${reason}: waiting for ${missing}`)
    tornDown = tearDown
    applier.distrust({ retryRefused: true })
    return new Promise<Applied>((resolve, reject) => {
      asked.push({ resolve, reject })
      loop.mark(reason)
    })
  }

  const gate = () => {
    const what = inputs.missing()
    options.waiting(what)
    return what
  }
  const loop = createDirtyLoop({ clock, log, act, gate })
  loop.mark('start')
  return {
    loop,
    get plan() {
      return plan
    },
    get tornDown() {
      return tornDown
    },
    stop: () => {
      cancelLease()
      return loop.stop()
    },
    resync: () => run('resync', false),
    teardown: () => run('tear down', true),
  }
}

/** Planned at a time: so that many at once, when a fleet dials in, neither hold up this process nor the switch for long. */
const MOST_SERVICES = 100
const MOST_REAL_SERVERS = 2000

const NOBODY: ReadonlySet<string> = new Set()
const NO_PART: Part = { services: [], compiled: [] }

/** Without those that are back. */
function without({ services, compiled }: Part, present: readonly VirtualService[]): Part {
  const keys = new Set(present.map(({ key }) => key))
  const stays = (_: unknown, i: number) => !keys.has(services[i]!.key)
  return { services: services.filter(stays), compiled: compiled.filter(stays) }
}

function joined(one: Part, other: Part): Part {
  return { services: [...one.services, ...other.services], compiled: [...one.compiled, ...other.compiled] }
}

/** What a director that was torn down wants of the switch. */
const NOTHING: Compiled = new Map()

interface Asked {
  resolve(applied: Applied): void
  reject(error: unknown): void
}
