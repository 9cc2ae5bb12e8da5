import { type Cells, createCells, type InputCells, readInputs } from '../../../agent/cells.ts'
import { initialInputs, missing, type Session } from '../../../agent/inputs.ts'
import { createGuestOutlet } from '../../../agent/outlets/guest.ts'
import { createMemory } from '../../../agent/outlets/memory.ts'
import { createAgentOutlets } from '../../../agent/outlets/outlets.ts'
import { createReportOutlet } from '../../../agent/outlets/report.ts'
import { createPass } from '../../../agent/pass.ts'
import type { RealServer } from '../../../agent/real-servers/types.ts'
import { createReconcile } from '../../../agent/reconcile.ts'
import { createReadyRuns } from '../../../agent/report/ready-runs.ts'
import { createNumbers } from '../../../agent/stations/numbers.ts'
import { toldRecords } from '../../../agent/store/records.ts'
import type { Store } from '../../../agent/store/store.ts'
import { type Applier, createApplier } from '../../../shared/apply/apply.ts'
import type { Log } from '../../../shared/log.ts'
import type { Clock } from '../../../shared/run/clock.ts'
import { createDirtyLoop, type DirtyLoop } from '../../../shared/run/dirty-loop.ts'
import { createRemovals } from '../../../shared/run/removals.ts'
import { createTimeline } from '../../../shared/run/timeline.ts'
import { createDriftGuard } from '../../../shared/switch/drift-guard.ts'
import { createModelGuests, type ModelGuests } from './guests.ts'
import type { ModelSwitch } from './model-switch.ts'

/** The agent as agent/run.ts builds it, between models. */
export interface SimulatedAgent {
  readonly cells: Cells
  readonly inputs: InputCells
  readonly loop: DirtyLoop
  readonly applier: Applier
  readonly guests: ModelGuests
  switchUp(): void
  switchDown(): void
  drift(): void
  /** kill -9: from now on it does nothing, whatever it was about to do. */
  kill(): void
}

export interface SimulationOptions {
  readonly store: Store
  readonly sw: ModelSwitch
  readonly clock: Clock
  readonly log: Log
  readonly held: Set<string>
  /** When the outlets start, in milliseconds after the rest: they are loaded late. Default: at once. */
  readonly outletsAfter?: number
  /** Milliseconds that the switch takes for a change. Default: none. */
  switchTakes?(): number
}

const CONFIG = {
  hostMac: undefined,
  uplink: 'uplink0',
  ingressPorts: { first: 40_000, last: 40_005 },
  probePort: 'cp-probe',
  probeNetwork: '169.254.96.0/19',
  director: [],
  allowedVips: ['0.0.0.0/0'],
  allowedVms: ['*'],
  guestExec: false,
}

export function startSimulated({
  store,
  sw,
  clock,
  log,
  held,
  outletsAfter,
  switchTakes,
}: SimulationOptions): SimulatedAgent {
  let dead = false
  const never = new Promise<never>(() => {})
  const session = (): Session => ({
    readInstalled: async known => {
      const read = dead ? never : await sw.readInstalled(known)
      return dead ? never : read
    },
    commit: async change => {
      const ms = switchTakes?.() ?? 0
      if (ms > 0) await new Promise<void>(resolve => clock.after(ms, resolve))
      if (dead) return never
      await sw.commit(change)
      if (dead) return never
    },
    packetOut: async () => {},
    readFlowStats: async () => [],
  })
  const initial = initialInputs(store, ['d1'], undefined)
  const cells = createCells({ ...initial, documents: { ...initial.documents, heard: true } })
  const { inputs } = cells
  const records = toldRecords(store.guestRecords, inputs.records)
  const applier = createApplier({ store, log, clock })
  const timeline = createTimeline(clock)
  const removals = createRemovals<RealServer>()
  const settings = { ensure: async () => {} }
  const numbers = createNumbers(store)
  const pass = createPass({
    config: CONFIG,
    overlay: undefined,
    inputs,
    store,
    numbers,
    records,
    applier,
    settings,
    removals,
    timeline,
    log,
  })
  const outlets = createAgentOutlets(removals, log)
  const reconcile = createReconcile({ pass, cells, outlets })
  const loop = createDirtyLoop({
    clock,
    log,
    coalesceMs: 2,
    gate: () => missing(readInputs(inputs)),
    act: async () => void (await reconcile()),
  })
  for (const [name, cell] of Object.entries(inputs)) cell.subscribe(() => loop.mark(name))
  outlets.plugged.subscribe(loop.mark)
  const drift = createDriftGuard({ clock, log, repair: () => loop.mark('drift') })

  const guests = createModelGuests(records, () => tellGuests(), held)
  const tellGuests = () => inputs.guests.set({ status: guests.status })
  tellGuests()
  const ready = createReadyRuns(store)
  const startOutlets = () => {
    outlets.plug({
      name: 'guests',
      take: createGuestOutlet({ guests, records, probeNetwork: CONFIG.probeNetwork }),
    })
    outlets.plug({ name: 'reports', take: createReportOutlet({ cells, ready, timeline, log }) })
    outlets.plug({ name: 'memory', take: createMemory({ store, records, numbers, ready, applier }) })
  }
  let cancelStart = () => {}
  if (outletsAfter === undefined) startOutlets()
  else cancelStart = clock.after(outletsAfter, startOutlets)

  return {
    cells,
    inputs,
    loop,
    applier,
    guests,
    switchUp: () => {
      const current = session()
      applier.distrust({ retryRefused: true })
      applier.readAhead(current)
      inputs.switch.set({ session: current, reason: '' })
    },
    switchDown: () => {
      applier.distrust()
      inputs.switch.set({ session: undefined, reason: 'down' })
    },
    drift: () => {
      applier.distrust()
      drift.heard('a flow')
    },
    kill: () => {
      dead = true
      cancelStart()
      drift.close()
      void loop.stop()
    },
  }
}
