import { noChecks } from '../../../agent/health/room.ts'
import { type Inputs, initialInputs, missing } from '../../../agent/inputs.ts'
import { createReconciler, type Reconciler } from '../../../agent/reconcile.ts'
import type { Store } from '../../../agent/store/store.ts'
import { type Applier, createApplier } from '../../../shared/apply/apply.ts'
import type { Log } from '../../../shared/log.ts'
import type { Clock } from '../../../shared/run/clock.ts'
import { createDirtyLoop, type DirtyLoop } from '../../../shared/run/dirty-loop.ts'
import { createTimeline } from '../../../shared/run/timeline.ts'
import { createDriftGuard } from '../../../shared/switch/drift-guard.ts'
import type { Switch } from '../../../shared/switch/types.ts'
import { createModelGuests, type ModelGuests } from './guests.ts'
import type { ModelSwitch } from './model-switch.ts'

/** The agent as agent/run.ts wires it, between models. */
export interface SimulatedAgent {
  readonly inputs: Inputs
  readonly loop: DirtyLoop
  readonly applier: Applier
  readonly reconciler: Reconciler
  readonly guests: ModelGuests
  mark(reason: string): void
  switchUp(): void
  switchDown(): void
  drift(): void
  /** kill -9: from now on it does nothing any more, whatever it was about to do. */
  kill(): void
}

export interface SimulationOptions {
  readonly store: Store
  readonly sw: ModelSwitch
  readonly clock: Clock
  readonly log: Log
  readonly held: Set<string>
}

const RANGE = { first: 40_000, last: 40_005 }

export function startSimulated({ store, sw, clock, log, held }: SimulationOptions): SimulatedAgent {
  let dead = false
  const never = new Promise<never>(() => {})
  const living: Pick<Switch, 'readInstalled' | 'commit' | 'packetOut'> = {
    readInstalled: async known => {
      const read = dead ? never : await sw.readInstalled(known)
      return dead ? never : read
    },
    commit: async change => {
      if (dead) return never
      await sw.commit(change)
      if (dead) return never
    },
    packetOut: async () => {},
  }
  const inputs = initialInputs(store)
  const applier = createApplier({ store, log, clock })
  const loop = createDirtyLoop({
    clock,
    log,
    coalesceMs: 2,
    gate: () => missing(inputs),
    act: async () => void (await reconciler.pass()),
  })
  const guests = createModelGuests(store.guestRecords, () => loop.mark('guest'), held)
  const drift = createDriftGuard({ clock, log, repair: () => loop.mark('drift') })
  const reconciler = createReconciler({
    inputs,
    store,
    applier,
    guest: guests,
    health: noChecks,
    sw: living,
    ingressPorts: RANGE,
    hostMac: undefined,
    uplink: 'uplink0',
    overlay: undefined,
    timeline: createTimeline(clock),
    log,
    accompany: async () => {},
    onReport: () => {},
  })
  return {
    inputs,
    loop,
    applier,
    reconciler,
    guests,
    mark: reason => loop.mark(reason),
    switchUp: () => {
      inputs.switchUp = true
      applier.distrust({ retryRefused: true })
      applier.readAhead(living)
      loop.mark('switch up')
    },
    switchDown: () => {
      inputs.switchUp = false
      applier.distrust()
      loop.mark('switch down')
    },
    drift: () => {
      applier.distrust()
      drift.heard('a flow')
    },
    kill: () => {
      dead = true
      drift.close()
      void loop.stop()
    },
  }
}
