import type { Part } from '../../shared/run/lifecycle.ts'
import { feedWatchdog, type Notify } from '../../shared/run/notify.ts'
import type { Startup } from '../../shared/run/startup.ts'
import type { House } from '../house.ts'
import { accounting } from './accounting.ts'
import { connectionAccounts } from './accounts.ts'
import { agents } from './agents.ts'
import { announce } from './announce.ts'
import { balance } from './balance.ts'
import { bridge } from './bridge.ts'
import { certificate } from './certificate.ts'
import { connectionLimits } from './connection-limits.ts'
import { connectionZones } from './connection-zones.ts'
import { controlSocket } from './control-socket.ts'
import { datapath } from './datapath.ts'
import { driftGuard } from './drift-guard.ts'
import { floods } from './floods.ts'
import { forgotten } from './forgotten.ts'
import { heldSyns } from './held-syns.ts'
import { hostServices } from './host-services.ts'
import { icmpErrors } from './icmp-errors.ts'
import { joining } from './joining.ts'
import { leases } from './leases.ts'
import { numbers } from './numbers.ts'
import { offer } from './offer.ts'
import { ownAddresses } from './own-addresses.ts'
import { passiveHealth } from './passive-health.ts'
import { progress } from './progress.ts'
import { recall } from './recall.ts'
import { refusals } from './refusals.ts'
import { release } from './release.ts'
import { serviceFiles } from './service-files.ts'
import { startup } from './startup.ts'
import { bridgeSwitch } from './switch.ts'
import { tableFill } from './table-fill.ts'
import { tableWatch } from './table-watch.ts'
import { tunnelPeers } from './tunnel-peers.ts'

/** The parts in the order of their start. */
export function partsOf(house: House, notify: Notify, told: Startup): readonly Part[] {
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
