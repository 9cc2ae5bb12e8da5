import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { noChecks } from '../agent/health/room.ts'
import { initialInputs } from '../agent/inputs.ts'
import { createReconciler } from '../agent/reconcile.ts'
import { openStore } from '../agent/store/store.ts'
import { type Applied, type Applier, createApplier } from '../shared/apply/apply.ts'
import type { Flow } from '../shared/flows/types.ts'
import { quiet } from '../shared/log/quiet.ts'
import { systemClock } from '../shared/run/clock.ts'
import { createTimeline } from '../shared/run/timeline.ts'
import { openSwitch, type Switch } from '../shared/switch/session.ts'
import type { BenchHost } from './host.ts'

/** The agent's own rooms, from snapshots to the switch; watchers, guests and director are not there. */
export interface BenchAgent extends AsyncDisposable {
  /** One pass of the reconcile loop. */
  readonly pass: () => Promise<Applied>
  /** Of the newest pass that changed something: from the bundle's first message to the switch's last answer. */
  readonly commitMs: number
  give(host: BenchHost): void
  /** Brings the switch to `host`, whoever has changed it meanwhile. */
  restore(host: BenchHost): Promise<void>
  /** What the bridge must hold. */
  flows(): readonly Flow[]
}

/** With an empty state file; resolves when the switch's session is up. */
export async function startAgent(rundir: string, host: BenchHost): Promise<BenchAgent> {
  const dir = await mkdtemp(join(tmpdir(), 'crossport-bench-agent-'))
  const store = openStore(join(dir, 'agent.db'))
  const applier = createApplier({ store, log: quiet, clock: systemClock })
  const inputs = { ...initialInputs(store), switchUp: true }
  const give = ({ specs, inventory, ports }: BenchHost) => {
    inputs.services = { synced: true, specs, problems: [], documents: [], files: [] }
    inputs.inventory = inventory
    inputs.ports = ports
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
  const reconciler = createReconciler({
    inputs,
    store,
    applier: {
      apply: (compiled, to, how) => {
        desired = compiled
        return applier.apply(compiled, to, how)
      },
      distrust: applier.distrust,
      readAhead: applier.readAhead,
      confirmed: applier.confirmed,
      isOurs: applier.isOurs,
      close: applier.close,
      counts: applier.counts,
      get quarantined() {
        return applier.quarantined
      },
    },
    guest: { set: () => {}, status: () => undefined, changes: 0 },
    health: noChecks,
    sw,
    overlay: undefined,
    uplink: 'uplink0',
    ingressPorts: { first: 20_000, last: 29_999 },
    hostMac: undefined,
    timeline: createTimeline(systemClock),
    log: quiet,
    accompany: async () => {},
    onReport: () => {},
  })
  return {
    pass: () => reconciler.pass(),
    get commitMs() {
      return commitMs
    },
    give,
    restore: async to => {
      give(to)
      applier.distrust()
      await reconciler.pass()
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
