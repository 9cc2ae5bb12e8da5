import { setImmediate } from 'node:timers/promises'
import type { Applied, Applier } from '../shared/apply/apply.ts'
import type { Compiled } from '../shared/flows/compiled.ts'
import type { Log } from '../shared/log.ts'
import { attemptAll } from '../shared/run/attempt-all.ts'
import type { Clock } from '../shared/run/clock.ts'
import { createHostServices, type HostServicesRule } from './authority/host-services.ts'
import type { Cells } from './cells.ts'
import type { Companions } from './companions.ts'
import { createCompiler } from './compile/compiler.ts'
import { goneFor, type ServiceOutlets, type ServiceRemovals } from './outlets/outlets.ts'
import type { Intent, Outcome } from './outlets/types.ts'
import { createPlanner, type Planned } from './plan/planner.ts'
import { releaseNumbers } from './plan/release.ts'
import type { Store } from './store/store.ts'

export interface PassOptions {
  /** Hosts that may bring services of their own. */
  readonly hostServices: readonly HostServicesRule[]
  readonly cells: Cells
  readonly store: Store
  readonly applier: Applier
  readonly removals: ServiceRemovals
  readonly companions: Companions
  /** Told as soon as it is known what is wanted. */
  readonly intents: ServiceOutlets<Intent>
  /** Told when the switch has confirmed. */
  readonly outcomes: ServiceOutlets<Outcome>
  readonly log: Log
  readonly clock: Clock
}

/**
 * The director's one way from what it knows to what the switch does. A pass reads cells and goes through stations: plan,
 * compile, apply; then its outcome goes to the outlets. A restart goes like this, and changes nothing in the switch:
 * 1. The state file is opened: numbers, last registrations (alive for one more lease), last good service files.
 * 2. The gate stays shut until the service directory has been read once, OVSDB has named the uplink and the bridge's
 *    MAC, and the switch is connected. Until then the flows in the switch do the work.
 * 3. The installed flows and groups are read back; desired ones are made of files and restored registrations.
 * 4. Only the difference goes out, in one bundle. Without a change outside there is none.
 * 5. Agents dial in again and register; hosts that do not within the lease leave scheduling.
 *
 * What is kept for a restart is written when all that is done, and keeps nothing waiting; but a number that is new is written
 * before it is used (plan/by-numbers.ts).
 *
 * A pass costs in proportion to what has changed: it runs many times a second while connections come. The one after a
 * failure is a whole one: all stations are told of all services again, and of all that is gone and that they have not taken.
 */
export function createPass(options: PassOptions): () => Promise<Outcome> {
  const { cells, store, applier, removals, companions, intents, outcomes, log, clock } = options
  const hosted = store.hostServices.load()
  const planner = createPlanner(store.numbers, ({ key, service }) => hosted.get(key) === service)
  const authorityOf = createHostServices(options.hostServices)
  const compiler = createCompiler(store.vipNumbers)
  /** The last pass came to its end: all stations know everything but what has changed since. */
  let complete = false

  /**
   * Who is back keeps its number, and is told of anew when it goes again: it has connections by then. What cannot be written
   * down now is given back another time.
   */
  const giveBackNumbers = () => {
    const told = [...cells.releasable.takeAll()]
    const unused = told.filter(({ key, id }) => !planner.has(key, id) && !removals.has(key))
    try {
      releaseNumbers(store.numbers, unused)
    } catch (err) {
      cells.releasable.put(unused)
      log.warn('numbers of what is gone are not given back yet', { err })
    }
  }

  /** What is gone is put into the queue at once: whatever fails later, nobody misses it. */
  const update = (due: ReadonlySet<string>): Planned => {
    const { specs } = cells.services.get()
    const knowledge = cells.knowledge.get()
    const { judged } = cells.passive.get()
    const registry = cells.registry.get()
    const authority = authorityOf(registry.hosts.values(), cells.ownAddresses.get())
    const planned = planner.update({ specs, registry, due, knowledge, judged, authority, most: MOST_SERVICES })
    for (const gone of planned.gone) removals.put(gone.service.key, gone)
    for (const { key } of planned.altered.services) removals.back(key)
    return planned
  }

  /** A whole pass cannot do with less than all, for it is compared with all that the switch has; others have their turn between. */
  const plan = async (whole: boolean): Promise<Planned> => {
    while (planner.take(cells.registry.get(), MOST_REAL_SERVERS)) await setImmediate()
    let planned = update(cells.due.takeAll())
    if (!whole) return planned
    while (planned.more) {
      await setImmediate()
      planned = update(NOBODY)
    }
    return { ...planned, altered: planned }
  }

  const compile = ({ site, plan: { compiled: services }, altered }: Intent, whole: boolean) => {
    const { gone, taken } = goneFor(removals, 'compiler')
    const changed = compiler.update({ site, services, altered: altered.compiled, gone: gone.compiled })
    if (whole) store.vipNumbers.keep(compiler.has)
    taken()
    return changed
  }

  const apply = (changed: Iterable<string>, { tornDown }: Intent, whole: boolean): Promise<Applied> => {
    const sw = cells.switch.get()
    if (sw === undefined) throw new Error('the switch is not open')
    if (tornDown) return applier.apply(NOTHING, sw)
    return applier.apply(compiler.compiled, sw, whole ? {} : { changed })
  }

  return async () => {
    const site = cells.site.get()
    if (site === undefined) throw new Error('the site is not known')
    const tornDown = cells.tornDown.get()
    const whole = !complete
    complete = false
    giveBackNumbers()
    const { altered, more, services, compiled, problems, failure: unnumbered } = await plan(whole)
    const intent: Intent = { site, plan: { services, compiled, problems }, altered, tornDown }
    const changed = compile(intent, whole)
    // Before the flows, for a connection's first packet should find its zone's timeouts; but flows go out without, too.
    const errors = [...intents.tell(intent), ...(await companions.ensure(intent))]
    const applied = await apply(changed, intent, whole)
    if (applied.added + applied.deleted > 0) log.info('the switch has confirmed', { ...applied })
    else if (applied.changed > 0) log.debug('the switch has confirmed', { ...applied })
    const outcome: Outcome = { ...intent, applied, at: clock.wall(), more }
    errors.push(...outcomes.tell(outcome))
    cells.outcome.set(outcome)
    complete = errors.length === 0 && !tornDown
    // Acting comes before remembering. What cannot be written is written by the next pass, which comes as after any failure.
    await save(store, cells)
    if (unnumbered !== undefined) errors.push(unnumbered.error)
    if (errors.length > 0) throw errors[0]
    return outcome
  }
}

/** Throws what the store says, when all has been tried. */
async function save(store: Store, { registry, services }: Cells): Promise<void> {
  const { synced, files } = services.get()
  const saves = [() => synced && store.files.save(files), store.vipNumbers.save]
  const errors = attemptAll(saves, write => void write())
  await store.hosts.save(registry.get().hosts)
  if (errors.length > 0) throw errors[0]
}

/** Planned at a time: so that many at once, when a fleet dials in, neither hold up this process nor the switch for long. */
const MOST_SERVICES = 100
const MOST_REAL_SERVERS = 2000

const NOBODY: ReadonlySet<string> = new Set()

/** What a director that was torn down wants of the switch. */
const NOTHING: Compiled = new Map()
