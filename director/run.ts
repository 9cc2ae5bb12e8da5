import { chooseProtection } from '../shared/identity/protection.ts'
import type { Log } from '../shared/log.ts'
import { onlyOne } from '../shared/rpc/socket.ts'
import { type Clock, systemClock } from '../shared/run/clock.ts'
import { type Part, runLifecycle } from '../shared/run/lifecycle.ts'
import { createNotify, feedWatchdog, type Notify } from '../shared/run/notify.ts'
import { createStartup, type Startup } from '../shared/run/startup.ts'
import { bookFile, type DirectorConfig } from './config.ts'
import { createHouse, type House } from './house.ts'
import { accounting } from './parts/accounting.ts'
import { connectionAccounts } from './parts/accounts.ts'
import { agents } from './parts/agents.ts'
import { announce } from './parts/announce.ts'
import { balance } from './parts/balance.ts'
import { bridge } from './parts/bridge.ts'
import { certificate } from './parts/certificate.ts'
import { connectionLimits } from './parts/connection-limits.ts'
import { connectionZones } from './parts/connection-zones.ts'
import { controlSocket } from './parts/control-socket.ts'
import { datapath } from './parts/datapath.ts'
import { driftGuard } from './parts/drift-guard.ts'
import { floods } from './parts/floods.ts'
import { forgotten } from './parts/forgotten.ts'
import { heldSyns } from './parts/held-syns.ts'
import { hostServices } from './parts/host-services.ts'
import { icmpErrors } from './parts/icmp-errors.ts'
import { joining } from './parts/joining.ts'
import { leases } from './parts/leases.ts'
import { numbers } from './parts/numbers.ts'
import { offer } from './parts/offer.ts'
import { ownAddresses } from './parts/own-addresses.ts'
import { passiveHealth } from './parts/passive-health.ts'
import { progress } from './parts/progress.ts'
import { recall } from './parts/recall.ts'
import { refusals } from './parts/refusals.ts'
import { release } from './parts/release.ts'
import { serviceFiles } from './parts/service-files.ts'
import { startup } from './parts/startup.ts'
import { bridgeSwitch } from './parts/switch.ts'
import { tableFill } from './parts/table-fill.ts'
import { tableWatch } from './parts/table-watch.ts'
import { tunnelPeers } from './parts/tunnel-peers.ts'
import { openBook } from './pki/book.ts'
import { openStore } from './store/store.ts'
import { version } from './version.ts'

export interface RunOptions {
  readonly clock?: Clock
  /** Stops the director, as a signal does. */
  readonly signal?: AbortSignal
  /** Called when every part has started; `address` is where agents dial in. */
  onReady?(address: string): void
  /** Called after every pass that the switch has confirmed. */
  onConfirmed?(): void
}

/**
 * Runs the director until SIGTERM, SIGINT or `signal`. The flows stay in place when it stops. SIGHUP rereads the service files.
 * Throws RPC_LISTEN when a director runs here already, else the error that keeps a part from starting.
 */
export async function runDirector(config: DirectorConfig, log: Log, options: RunOptions = {}): Promise<void> {
  const { clock = systemClock } = options
  const { tls, pki, insecurePlaintext, listen } = config
  const protection = chooseProtection({ role: 'director', tls, pki, insecurePlaintext, addresses: [listen] })
  // Before anything is opened, because two directors must not work on one state file and one switch.
  await onlyOne(config.controlSocket, log)
  const notify = createNotify({ log })
  const told = createStartup(notify)
  const book = protection.tls && openBook(bookFile(config))
  const store = openStore(config.stateFile)
  const house = createHouse({ config, store, protection, book, log, clock, version: version() })
  const { cells } = house
  if (options.onConfirmed !== undefined) cells.outcome.subscribe(options.onConfirmed)
  await runLifecycle({
    log,
    parts: partsOf(house, notify, told),
    ...(options.signal ? { signal: options.signal } : {}),
    onReady: () => {
      const { address = '' } = cells.agents.get() ?? {}
      log.notice('started', { bridge: config.bridge, listen: address })
      options.onReady?.(address)
    },
    onReload: () => {
      log.info('rereading the service files')
      void told.reload(cells.reload.get())
    },
    onStopping: () => notify.stopping(),
  })
}

/** The parts in the order of their start. */
function partsOf(house: House, notify: Notify, told: Startup): readonly Part[] {
  const part = (name: string, start: (house: House) => ReturnType<Part['start']>): Part => {
    return { name, start: () => start(house) }
  }
  return [
    part('state file', ({ store }) => store.close),
    part('book of certificates', ({ book }) => book?.close),
    part('certificate', certificate),
    part('startup', () => startup(house, told)),
    // Takers of a pass's result, in the order in which they are called. They are plugged in before the first pass.
    part('offer', offer),
    part('progress', progress),
    part('release', release),
    part('accounts', connectionAccounts),
    part('announcements', announce),
    part('tunnel peers', tunnelPeers),
    part('numbers', numbers),
    part('host services', hostServices),
    // Inputs of the loop.
    part('own addresses', ownAddresses),
    part('leases', leases),
    part('agents', agents),
    part('joining', joining),
    part('service files', serviceFiles),
    part('bridge', bridge),
    // What must be set before flows are added, in this order. These come after the bridge, so that they stop while its database
    // connection is open.
    part('datapath', datapath),
    part('accounting', accounting),
    part('connection zones', connectionZones),
    part('connection limits', connectionLimits),
    part('switch', bridgeSwitch),
    part('drift guard', driftGuard),
    // Observers of the switch, and parts that answer packets.
    part('balance', balance),
    part('passive health', passiveHealth),
    part('floods', floods),
    part('forgotten connections', forgotten),
    part('ICMP errors', icmpErrors),
    part('recall', recall),
    part('held SYNs', heldSyns),
    part('table watch', tableWatch),
    part('refusals', refusals),
    part('table fill', tableFill),
    part('control socket', controlSocket),
    // The loop acts only when all that it works on has started, and stops before any of it.
    part('loop', ({ loop }) => {
      loop.start()
      return loop.stop
    }),
    part('watchdog', ({ clock, loop, log }) => feedWatchdog(notify, clock, loop, log)),
  ]
}
