import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createCells } from '../agent/cells.ts'
import { initialInputs } from '../agent/inputs.ts'
import { createGuestOutlet } from '../agent/outlets/guest.ts'
import { createMemory } from '../agent/outlets/memory.ts'
import { createAgentOutlets } from '../agent/outlets/outlets.ts'
import { createReportOutlet } from '../agent/outlets/report.ts'
import { createPass } from '../agent/pass.ts'
import type { RealServer } from '../agent/real-servers/types.ts'
import { createReconcile } from '../agent/reconcile.ts'
import { createReadyRuns } from '../agent/report/ready-runs.ts'
import { createNumbers } from '../agent/stations/numbers.ts'
import { toldRecords } from '../agent/store/records.ts'
import { openStore } from '../agent/store/store.ts'
import { type Applied, type Applier, createApplier } from '../shared/apply/apply.ts'
import type { Flow } from '../shared/flows/types.ts'
import { quiet } from '../shared/log/quiet.ts'
import { systemClock } from '../shared/run/clock.ts'
import { createRemovals } from '../shared/run/removals.ts'
import { createTimeline } from '../shared/run/timeline.ts'
import { openSwitch, type Switch } from '../shared/switch/session.ts'
import type { BenchHost } from './host.ts'

const PROBE_NETWORK = '169.254.96.0/19'

/** The agent's own pass and outlets, from snapshots to the switch, without watchers, guests and director. */
export interface BenchAgent extends AsyncDisposable {
  /** One pass of the reconcile loop. */
  readonly pass: () => Promise<Applied>
  /** Time of the newest pass that changed something: from the bundle's first message to the switch's last answer. */
  readonly commitMs: number
  give(host: BenchHost): void
  /** Brings the switch to `host`, even when somebody else has changed it meanwhile. */
  restore(host: BenchHost): Promise<void>
  /** What the bridge must hold. */
  flows(): readonly Flow[]
}

/** Starts with an empty state file; resolves when the switch's session is up. */
export async function startAgent(rundir: string, host: BenchHost): Promise<BenchAgent> {
  const dir = await mkdtemp(join(tmpdir(), 'crossport-bench-agent-'))
  const store = openStore(join(dir, 'agent.db'))
  const applier = createApplier({ store, log: quiet, clock: systemClock })
  const cells = createCells(initialInputs(store, [], undefined))
  const { inputs } = cells
  const give = ({ specs, inventory, ports }: BenchHost) => {
    inputs.services.set({ synced: true, specs, problems: [], documents: [], files: [] })
    inputs.inventory.set(inventory)
    inputs.ports.set(ports)
  }
  give(host)

  const real = await connect(rundir)
  let commitMs = 0
  let desired: Parameters<Applier['apply']>[0] = new Map()
  const sw: Switch = {
    ...real,
    state: 'up',
    commit: async change => {
      const begin = performance.now()
      await real.commit(change)
      commitMs = performance.now() - begin
    },
  }
  inputs.switch.set({ session: sw, reason: '' })
  const records = toldRecords(store.guestRecords, inputs.records)
  const removals = createRemovals<RealServer>()
  const timeline = createTimeline(systemClock)
  const numbers = createNumbers(store)
  const pass = createPass({
    config: {
      uplink: 'uplink0',
      ingressPorts: { first: 20_000, last: 29_999 },
      hostMac: undefined,
      probePort: 'cp-probe',
      probeNetwork: PROBE_NETWORK,
      director: [],
      allowedVms: ['*'],
      guestExec: false,
    },
    overlay: undefined,
    inputs,
    store,
    numbers,
    records,
    applier: {
      ...applier,
      apply: (compiled, to, how) => {
        desired = compiled
        return applier.apply(compiled, to, how)
      },
      get quarantined() {
        return applier.quarantined
      },
    },
    settings: { ensure: async () => {} },
    removals,
    timeline,
    log: quiet,
  })
  const ready = createReadyRuns(store)
  const outlets = createAgentOutlets(removals, quiet)
  const guestOutlet = createGuestOutlet({ guests: { set: () => {} }, records, probeNetwork: PROBE_NETWORK })
  outlets.plug({ name: 'guests', take: guestOutlet })
  outlets.plug({ name: 'reports', take: createReportOutlet({ cells, ready, timeline, log: quiet }) })
  outlets.plug({ name: 'memory', take: createMemory({ store, records, numbers, ready, applier }) })
  const reconcile = createReconcile({ pass, cells, outlets })
  return {
    pass: async () => (await reconcile()).applied,
    get commitMs() {
      return commitMs
    },
    give,
    restore: async to => {
      give(to)
      applier.distrust()
      await reconcile()
    },
    flows: () => Array.from(desired.values(), object => object.flows()).flat(),
    [Symbol.asyncDispose]: async () => {
      applier.close()
      await real.close()
      store.close()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

function connect(rundir: string): Promise<Switch> {
  return new Promise(resolve => {
    const sw = openSwitch({
      bridge: 'br0',
      owner: 'agent',
      rundir,
      log: quiet,
      clock: systemClock,
      handlers: { onUp: () => queueMicrotask(() => resolve(sw)), onDown: () => {}, onDrift: () => {} },
    })
  })
}
