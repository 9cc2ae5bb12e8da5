import { readFileSync } from 'node:fs'
import { type Applier, createApplier } from '../shared/apply/apply.ts'
import { chooseProtection, type Protection } from '../shared/identity/protection.ts'
import { type AgentCaller, createAgentCaller } from '../shared/libvirt/agent.ts'
import type { Log } from '../shared/log.ts'
import { createTopic, type Reading, type Topic } from '../shared/run/cell.ts'
import { type Clock, systemClock } from '../shared/run/clock.ts'
import { createDirtyLoop, type DirtyLoop } from '../shared/run/dirty-loop.ts'
import { createLateStart, type LateStart } from '../shared/run/late-start.ts'
import { createNotify, type Notify } from '../shared/run/notify.ts'
import { createRemovals } from '../shared/run/removals.ts'
import { createStartup, type Startup } from '../shared/run/startup.ts'
import { createTimeline, type Timeline } from '../shared/run/timeline.ts'
import { createSwitchSettings, type SwitchSettings } from './apply/settings.ts'
import { type Cells, createCells, readInputs } from './cells.ts'
import type { AgentConfig } from './config/schema.ts'
import { initialInputs, missing } from './inputs.ts'
import { type AgentOutlets, createAgentOutlets } from './outlets/outlets.ts'
import { type HostOverlay, hostOverlay, tunnelState } from './overlay.ts'
import { createPass } from './pass.ts'
import type { RealServer } from './real-servers/types.ts'
import { createReconcile } from './reconcile.ts'
import { createReadyRuns, type ReadyRuns } from './report/ready-runs.ts'
import { createNumbers, type Numbers } from './stations/numbers.ts'
import { toldRecords } from './store/records.ts'
import { openStore, type Store } from './store/store.ts'
import type { GuestRecords } from './store/types.ts'

const PACKAGE = new URL('../package.json', import.meta.url)

/** What every part of the agent is given. Parts exchange data through the cells only. */
export interface House {
  readonly config: AgentConfig
  /** Of the connections to directors. */
  readonly protection: Protection
  readonly version: string
  /** ISO 8601, UTC. */
  readonly startedAt: string
  readonly log: Log
  readonly clock: Clock
  /** Undefined on an l2 fabric. */
  readonly overlay: HostOverlay | undefined
  readonly cells: Cells
  readonly store: Store
  readonly records: GuestRecords
  readonly numbers: Numbers
  readonly ready: ReadyRuns
  readonly outlets: AgentOutlets
  readonly timeline: Timeline
  readonly applier: Applier
  readonly settings: SwitchSettings
  readonly agentCaller: AgentCaller
  readonly loop: DirtyLoop
  /** Something that status shows may have changed. */
  readonly changed: Topic<void>
  readonly late: LateStart
  readonly notify: Notify
  readonly startup: Startup
}

/** Makes the cells, the store of the state file and the loop. It starts nothing and connects to nothing. */
export async function createHouse(config: AgentConfig, log: Log, clock: Clock = systemClock): Promise<House> {
  const { tls, pki, insecurePlaintext, director: addresses } = config
  const protection = chooseProtection({ role: 'host', tls, pki, insecurePlaintext, addresses })
  const { version } = JSON.parse(readFileSync(PACKAGE, 'utf8')) as { version: string }
  const startedAt = clock.wall().toISOString()
  const notify = createNotify({ log })
  const startup = createStartup(notify)
  const store = openStore(config.stateFile)
  const overlay = hostOverlay(config)
  const { hostIp, director } = config
  const tunnel = overlay && tunnelState(overlay, hostIp, undefined)
  const cells = createCells(initialInputs(store, director, tunnel, hostIp))
  const records = toldRecords(store.guestRecords, cells.inputs.records)
  const timeline = createTimeline(clock)
  const applier = createApplier({ store, log, clock })
  const { ovsRunDir: rundir, bridge } = config
  const settings = createSwitchSettings({ rundir, bridge, ovsdb: cells.ovsdb, log, clock })
  const removals = createRemovals<RealServer>()
  const numbers = createNumbers(store)
  const { inputs } = cells
  const pass = createPass({
    ...{ config, overlay, inputs, store, numbers, records, applier, settings, removals, timeline, log },
  })
  const outlets = createAgentOutlets(removals, log)
  const reconcile = createReconcile({ pass, cells, outlets })
  const loop = createDirtyLoop({
    clock,
    log,
    coalesceMs: 2,
    gate: () => {
      const what = missing(readInputs(inputs))
      startup.waiting(what)
      return what
    },
    act: async () => {
      await reconcile()
      if (startup.finished('in sync')) log.info('in sync', { flows: applier.counts.installedFlows })
    },
  })
  for (const [name, cell] of Object.entries(inputs)) cell.subscribe(() => loop.mark(name))
  outlets.plugged.subscribe(loop.mark)
  const late = createLateStart({
    clock,
    passed: cells.passed,
    busy: () => loop.acting || !inputs.services.get().synced,
  })
  return {
    config,
    protection,
    version,
    startedAt,
    log,
    clock,
    overlay,
    cells,
    store,
    records,
    numbers,
    ready: createReadyRuns(store),
    outlets,
    timeline,
    applier,
    settings,
    agentCaller: createAgentCaller({ socket: config.libvirtSocket, clock }),
    loop,
    changed: statusChanges(cells),
    late,
    notify,
    startup,
  }
}

/** Publishes when anything that status shows changes. */
function statusChanges({ inputs, registrations, tableProblems, certificate, passed }: Cells): Topic<void> {
  const changed = createTopic<void>()
  const readings: readonly Pick<Reading<unknown>, 'subscribe'>[] = [
    ...Object.values(inputs),
    registrations,
    tableProblems,
    certificate,
  ]
  for (const reading of readings) reading.subscribe(() => changed.publish())
  passed.subscribe(() => changed.publish())
  return changed
}
