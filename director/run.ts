import type { Log } from '../shared/log.ts'
import { type Clock, systemClock } from '../shared/run/clock.ts'
import { type Part, runLifecycle } from '../shared/run/lifecycle.ts'
import { createNotify } from '../shared/run/notify.ts'
import type { DirectorConfig } from './config.ts'
import { createHouse } from './house.ts'
import { accounting } from './parts/accounting.ts'
import { connectionAccounts } from './parts/accounts.ts'
import { agents } from './parts/agents.ts'
import { announce } from './parts/announce.ts'
import { balance } from './parts/balance.ts'
import { bridge } from './parts/bridge.ts'
import { connectionZones } from './parts/connection-zones.ts'
import { controlSocket } from './parts/control.ts'
import { datapath } from './parts/datapath.ts'
import { drift } from './parts/drift.ts'
import { forgotten } from './parts/forgotten.ts'
import { heldSyns } from './parts/held-syns.ts'
import { icmpErrors } from './parts/icmp-errors.ts'
import { leases } from './parts/leases.ts'
import { numbers } from './parts/numbers.ts'
import { offer } from './parts/offer.ts'
import { passiveHealth } from './parts/passive-health.ts'
import { progress } from './parts/progress.ts'
import { readiness } from './parts/readiness.ts'
import { recall } from './parts/recall.ts'
import { refusals } from './parts/refusals.ts'
import { release } from './parts/release.ts'
import { serviceFiles } from './parts/service-files.ts'
import { stateFile } from './parts/state-file.ts'
import { bridgeSwitch } from './parts/switch.ts'
import { tableFill } from './parts/table-fill.ts'
import { tableWatch } from './parts/table-watch.ts'
import { tunnelPeers } from './parts/tunnel-peers.ts'
import { watchdog } from './parts/watchdog.ts'
import { openStore } from './store/store.ts'
import { version } from './version.ts'

export interface RunOptions {
  readonly clock?: Clock
  /** Another way to stop than a signal. */
  readonly signal?: AbortSignal
  /** Everything has started; `address` is where agents dial in. */
  onReady?(address: string): void
  /** After every pass that the switch has confirmed. */
  onConfirmed?(): void
}

/**
 * Runs the director until SIGTERM, SIGINT or `signal`. Stopping leaves the flows in place. SIGHUP rereads the service
 * files. Throws what keeps a part from starting.
 */
export async function runDirector(config: DirectorConfig, log: Log, options: RunOptions = {}): Promise<void> {
  const { clock = systemClock } = options
  const notify = createNotify({ log })
  const house = createHouse({ config, store: openStore(config.stateFile), log, clock, version: version() })
  const { cells, loop } = house
  const ready = readiness(house, notify)
  if (options.onConfirmed !== undefined) cells.outcome.subscribe(options.onConfirmed)

  const parts: Part[] = [
    stateFile(house),
    ready,
    // Told by every pass, in this order: plugged in before the first.
    offer(house),
    progress(house),
    release(house),
    connectionAccounts(house),
    announce(house),
    tunnelPeers(house),
    numbers(house),
    // Where what the loop acts on comes from.
    leases(house),
    agents(house),
    serviceFiles(house),
    bridge(house),
    // What has to be there before flows, in this order. After the bridge, so that the database can still be told when they end.
    datapath(house),
    accounting(house),
    connectionZones(house),
    bridgeSwitch(house),
    drift(house),
    // Those who learn from the switch, and answer what it hands up.
    balance(house),
    passiveHealth(house),
    forgotten(house),
    icmpErrors(house),
    recall(house),
    heldSyns(house),
    tableWatch(house),
    refusals(house),
    tableFill(house),
    controlSocket(house),
    // Stopped first: from here on nothing acts.
    { name: 'loop', start: () => () => loop.stop() },
    watchdog(house, notify),
  ]

  await runLifecycle({
    log,
    parts,
    ...(options.signal ? { signal: options.signal } : {}),
    onReady: () => {
      const { address = '' } = cells.agents.get() ?? {}
      log.notice('started', { bridge: config.bridge, listen: address })
      options.onReady?.(address)
    },
    onReload: () => {
      log.info('rereading the service files')
      void ready.reload(cells.reload.get())
    },
    onStopping: () => notify.stopping(),
  })
}
