import type { Applied, Applier } from '../shared/apply/apply.ts'
import { CrossportError } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import type { Clock } from '../shared/run/clock.ts'
import { createDirtyLoop, type DirtyLoop } from '../shared/run/dirty-loop.ts'
import type { Switch } from '../shared/switch/types.ts'
import { compile, serviceObject } from './compile/compile.ts'
import type { CompiledService, Site } from './compile/types.ts'
import type { Inputs } from './intake/inputs.ts'
import { createPanicTeller } from './panics.ts'
import { makePlan, type Plan, reschedule } from './plan.ts'
import { expire, nextExpiry } from './registry/registry.ts'
import type { VirtualService } from './registry/services.ts'
import type { Knowledge } from './schedule/schedule.ts'
import type { Store } from './store/store.ts'

export interface ReconcileOptions {
  readonly inputs: Inputs
  readonly store: Store
  readonly applier: Applier
  readonly switch: () => Switch
  readonly log: Log
  readonly clock: Clock
  /** Keys of the services whose shares are due since this was asked last. */
  dueShares(): ReadonlySet<string>
  /** What has been learnt of a service's connections. */
  knowledge(service: VirtualService): Knowledge
  /** Tells the agents who they talk to and which files are in force. */
  offer(site: Site): void
  /** What goes with the services beside the bridge: connection timeouts. Rejects: the flows are applied, and all is tried again. */
  accompany(services: readonly CompiledService[], site: Site): Promise<void>
  /** What the loop waits for, undefined when for nothing. */
  waiting(what: string | undefined): void
  /** The switch has confirmed; called after every act. */
  onApplied(plan: Plan, site: Site, applied: Applied): void
  /** Likewise, when nothing but the shares of these services has changed. */
  onShares(altered: Pick<Plan, 'services' | 'compiled'>): void
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
  const tellPanics = createPanicTeller(log)
  let plan: Plan | undefined
  let tornDown = false
  let behind = false
  let asked: Asked[] = []
  let cancelLease = () => {}

  /** Those who ask for an act hear of the first that starts after they asked, also when it fails. */
  const act = async (_signal: AbortSignal, reasons: readonly string[]) => {
    const mine = asked
    asked = []
    try {
      const applied = await (reasons.every(reason => SHARES_ONLY.has(reason)) ? sharesPass() : pass())
      for (const { resolve } of mine) resolve(applied)
    } catch (error) {
      for (const { reject } of mine) reject(error)
      throw error
    }
  }

  const pass = async (): Promise<Applied> => {
    const site = inputs.site
    if (site === undefined) throw new Error('the site is not known')
    inputs.updateRegistry(registry => expire(registry, clock.now()))
    armLease()
    store.hosts.save(inputs.registry.hosts.values())
    if (inputs.services.synced) store.files.save(inputs.services.texts)
    options.offer(site)
    const next = makePlan(inputs.services.specs, inputs.registry, store.numbers, options.knowledge)
    const services = tornDown ? [] : next.compiled
    // Before the flows, for a connection's first packet should find its zone's timeouts; but flows go out without, too.
    const failure = await options.accompany(services, site).then(
      () => undefined,
      (error: unknown) => ({ error }),
    )
    const applied = await applier.apply(compile(site, services), options.switch())
    tellPanics(next.services)
    plan = next
    behind = false
    if (applied.added + applied.deleted > 0) log.info('the switch has confirmed', { ...applied })
    else if (applied.changed > 0) log.debug('the switch has confirmed', { ...applied })
    options.onApplied(next, site, applied)
    if (failure) throw failure.error
    return applied
  }

  /** Many times a second while connections come: costs in proportion to the services whose shares change. */
  const sharesPass = async (): Promise<Applied> => {
    const site = inputs.site
    // What was refused may have to be tried again, which takes the whole of it.
    const simple = !behind && !tornDown && applier.quarantined.length === 0
    if (plan === undefined || site === undefined || !simple) return pass()
    const before = plan
    // What is due is told once: should this fail, the next pass is a whole one.
    behind = true
    const next = reschedule(before, options.dueShares(), store.numbers, options.knowledge)
    const isAltered = (_: unknown, i: number) => next.compiled[i] !== before.compiled[i]
    const altered = { services: next.services.filter(isAltered), compiled: next.compiled.filter(isAltered) }
    const changed = altered.compiled.map(serviceObject)
    const applied = await applier.apply(compile(site, altered.compiled), options.switch(), { changed })
    plan = next
    behind = false
    options.onShares(altered)
    return applied
  }

  const armLease = () => {
    cancelLease()
    const at = nextExpiry(inputs.registry)
    if (at !== undefined) cancelLease = clock.after(Math.max(1, Math.ceil(at - clock.now())), () => loop.mark('lease'))
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

/** Reasons of marks that are about shares alone (balance/balance.ts). */
const SHARES_ONLY: ReadonlySet<string> = new Set(['load', 'time'])

interface Asked {
  resolve(applied: Applied): void
  reject(error: unknown): void
}
