import { type Applier, createApplier } from '../shared/apply/apply.ts'
import type { Protection } from '../shared/identity/protection.ts'
import type { Log } from '../shared/log.ts'
import type { Clock } from '../shared/run/clock.ts'
import { createRemovals } from '../shared/run/removals.ts'
import { createTimeline, type Timeline } from '../shared/run/timeline.ts'
import type { VswitchdOptions } from '../shared/switch/vswitchd.ts'
import { type Accounts, createAccounts } from './accounting/accounts.ts'
import { type Cells, createCells, INPUT_NAMES } from './cells.ts'
import { type Companions, createCompanions } from './companions.ts'
import type { DirectorConfig } from './config.ts'
import { isHostAddress } from './intake/validate.ts'
import { createDirectorLoop, type DirectorLoop } from './loop.ts'
import { createServiceOutlets, type ServiceOutlets, type ServiceRemovals } from './outlets/outlets.ts'
import type { Intent, Outcome } from './outlets/types.ts'
import { createPass } from './pass.ts'
import type { Book } from './pki/book.ts'
import type { PlannedService } from './plan/plan.ts'
import { restoreRegistry } from './registry/registry.ts'
import type { Store } from './store/store.ts'

export interface HouseOptions {
  readonly config: DirectorConfig
  readonly store: Store
  readonly log: Log
  readonly clock: Clock
  readonly version: string
  /** Of the connection to agents. Default: in the clear. */
  readonly protection?: Protection
  /** Of tokens, certificates and revocations. Default: nobody has a certificate. */
  readonly book?: Book | undefined
}

/** What every part of the director is given. */
export interface House extends HouseOptions {
  readonly startedAt: Date
  readonly vswitchd: VswitchdOptions
  readonly cells: Cells
  readonly applier: Applier
  readonly timeline: Timeline
  readonly accounts: Accounts
  readonly removals: ServiceRemovals
  readonly companions: Companions
  readonly intents: ServiceOutlets<Intent>
  readonly outcomes: ServiceOutlets<Outcome>
  readonly loop: DirectorLoop
}

/** Makes all cells and then the loop; each input cell marks the loop with its name. It starts nothing. */
export function createHouse(options: HouseOptions): House {
  const { config, store, log, clock } = options
  // What was registered on another fabric may lack what this one needs.
  const saved = store.hosts.load().filter(({ hostIp }) => config.fabric === 'l2' || isHostAddress(hostIp))
  const cells = createCells(clock, restoreRegistry(saved, clock.now(), config.leaseMs))
  const applier = createApplier({ log, clock })
  const removals = createRemovals<PlannedService>(['compiler'])
  const companions = createCompanions(removals, log)
  const intents = createServiceOutlets<Intent>(removals, log)
  const outcomes = createServiceOutlets<Outcome>(removals, log)
  const { hostServices } = config
  const pass = createPass({ hostServices, cells, store, applier, removals, companions, intents, outcomes, log, clock })
  const loop = createDirectorLoop({ cells, applier, log, clock, pass })
  const recallMac = () => {
    const mac = cells.site.get()?.recallMac
    return mac === undefined ? undefined : Number.parseInt(mac.replaceAll(':', ''), 16)
  }
  markByInputs(cells, loop)
  for (const { plugged } of [intents, outcomes]) plugged.subscribe(loop.mark)
  return {
    ...options,
    startedAt: clock.wall(),
    vswitchd: { rundir: config.ovsRunDir, log, clock },
    cells,
    applier,
    timeline: createTimeline(clock),
    accounts: createAccounts(config.connectionTimeouts, recallMac),
    removals,
    companions,
    intents,
    outcomes,
    loop,
  }
}

function markByInputs(cells: Cells, loop: DirectorLoop): void {
  const changed = (name: string) => () => {
    loop.mark(name)
    cells.changed.publish()
  }
  cells.services.subscribe(changed('files'))
  cells.site.subscribe(changed('bridge'))
  cells.ownAddresses.subscribe(changed('own addresses'))
  for (const name of INPUT_NAMES) cells.inputStates[name].subscribe(changed(name))
  // Marked before the pass ends, so that what it has left does not wait when the pass fails in the end.
  cells.outcome.subscribe(() => {
    if (cells.outcome.get()?.more === true) loop.mark('more')
  })
  let { revision } = cells.registry.get()
  const registered = changed('registration')
  cells.registry.subscribe(() => {
    const before = revision
    revision = cells.registry.get().revision
    // A lease that is only prolonged asks for no pass.
    if (revision !== before) registered()
  })
  // What status tells and no pass is made for.
  const { outcome, tableProblems, bridge, bridgeProblem, tornDown, waiting, certificate } = cells
  for (const cell of [outcome, tableProblems, bridge, bridgeProblem, tornDown, waiting, certificate])
    cell.subscribe(() => cells.changed.publish())
}
