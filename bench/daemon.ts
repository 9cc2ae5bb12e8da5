import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { noChecks } from '../agent/health/room.ts'
import { initialInputs, missing } from '../agent/inputs.ts'
import { createReconciler } from '../agent/reconcile.ts'
import { openStore } from '../agent/store/store.ts'
import { createApplier } from '../shared/apply/apply.ts'
import { watchServices } from '../shared/config/watch.ts'
import { systemClock } from '../shared/run/clock.ts'
import { createDirtyLoop } from '../shared/run/dirty-loop.ts'
import { createTimeline } from '../shared/run/timeline.ts'
import { createDriftGuard } from '../shared/switch/drift-guard.ts'
import { openSwitch } from '../shared/switch/session.ts'
import { quiet } from './agent.ts'
import type { BenchHost } from './host.ts'

/** A host's directories, which outlive its agent. */
export interface BenchDirectory extends AsyncDisposable {
  readonly services: string
  readonly stateFile: string
  /** As an operator should: written beside, renamed into place. */
  drop(name: string, text: string): Promise<void>
}

export async function makeDirectory(): Promise<BenchDirectory> {
  const dir = await mkdtemp(join(tmpdir(), 'crossport-bench-host-'))
  const services = join(dir, 'services.d')
  await mkdir(services)
  return {
    services,
    stateFile: join(dir, 'agent.db'),
    drop: async (name, text) => {
      await writeFile(join(services, `${name}.tmp`), text)
      await rename(join(services, `${name}.tmp`), join(services, name))
    },
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }),
  }
}

/** The agent from service files to the switch, as agent/run.ts wires it; libvirt, OVSDB, guests and director are not there. */
export interface BenchDaemon extends AsyncDisposable {
  /** Resolves after the next pass that changed something, with the time of its last confirmation. */
  confirmed(): Promise<number>
  /** Resolves after the first pass, with the changes that it made. */
  readonly settled: Promise<number>
  /** Of the newest bundle alone, ms. */
  readonly commitMs: number
  desiredFlows(): number
}

export function startDaemon(rundir: string, directory: BenchDirectory, host: BenchHost): BenchDaemon {
  const store = openStore(directory.stateFile)
  const inputs = { ...initialInputs(store), inventory: host.inventory, ports: host.ports }
  const applier = createApplier({ store, log: quiet, clock: systemClock })
  const first = Promise.withResolvers<number>()
  let waiting: ((at: number) => void)[] = []
  let commitMs = 0
  let confirmedAt = 0

  const loop = createDirtyLoop({
    clock: systemClock,
    log: quiet,
    coalesceMs: 2,
    gate: () => missing(inputs),
    act: async () => {
      const { added, changed, deleted } = await reconciler.pass()
      first.resolve(added + changed + deleted)
      if (added + changed + deleted === 0) return
      const woken = waiting
      waiting = []
      for (const wake of woken) wake(confirmedAt)
    },
  })
  const drift = createDriftGuard({ clock: systemClock, log: quiet, repair: () => loop.mark('drift') })
  const sw = openSwitch({
    bridge: 'br0',
    owner: 'agent',
    rundir,
    log: quiet,
    clock: systemClock,
    handlers: {
      onUp: () => {
        inputs.switchUp = true
        applier.distrust()
        loop.mark('switch')
      },
      onDown: () => {},
      onDrift: what => {
        applier.distrust()
        drift.heard(what)
      },
    },
  })
  const reconciler = createReconciler({
    inputs,
    store,
    applier,
    guest: { set: () => {}, status: () => undefined },
    health: noChecks,
    uplink: 'uplink0',
    sw: {
      readInstalled: sw.readInstalled,
      packetOut: sw.packetOut,
      commit: async change => {
        const begin = performance.now()
        await sw.commit(change)
        confirmedAt = performance.now()
        commitMs = confirmedAt - begin
      },
    },
    ingressPorts: { first: 20_000, last: 29_999 },
    hostMac: undefined,
    overlay: undefined,
    timeline: createTimeline(systemClock),
    log: quiet,
    onReport: () => {},
  })
  const watch = watchServices({
    dir: directory.services,
    log: quiet,
    clock: systemClock,
    lastGood: store.serviceFiles(),
    onChange: snapshot => {
      inputs.services = snapshot
      loop.mark('service files')
    },
  })
  return {
    settled: first.promise,
    confirmed: () => new Promise(resolve => waiting.push(resolve)),
    get commitMs() {
      return commitMs
    },
    desiredFlows: () => applier.counts.desiredFlows,
    [Symbol.asyncDispose]: async () => {
      await watch.close()
      drift.close()
      await loop.stop()
      await sw.close()
      store.close()
    },
  }
}
