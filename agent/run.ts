import type { Log } from '../shared/log.ts'
import { type Part, runLifecycle } from '../shared/run/lifecycle.ts'
import { feedWatchdog } from '../shared/run/notify.ts'
import { openSwitch } from '../shared/switch/session.ts'
import type { AgentConfig } from './config/schema.ts'
import { createHouse, type House } from './house.ts'
import { watchInventory } from './inventory/watch.ts'
import { audit } from './parts/audit.ts'
import { connectionTable } from './parts/connection-table.ts'
import { controlSocket, onlyAgent } from './parts/control-socket.ts'
import { driftGuard } from './parts/drift-guard.ts'
import { guests } from './parts/guests.ts'
import { healthChecks } from './parts/health-checks.ts'
import { icmpErrors } from './parts/icmp-errors.ts'
import { inventory } from './parts/inventory.ts'
import { reconcileLoop } from './parts/loop.ts'
import { memory } from './parts/memory.ts'
import { ports } from './parts/ports.ts'
import { registration } from './parts/registration.ts'
import { reports } from './parts/reports.ts'
import { serviceFiles } from './parts/service-files.ts'
import { switchSession } from './parts/switch.ts'
import { tunnelPeers } from './parts/tunnel-peers.ts'
import { tunnelPort } from './parts/tunnel-port.ts'
import { watchPorts } from './ports/watch.ts'

/** What the agent finds on its host. A benchmark puts others in their place: nobody has a thousand VMs at hand. */
export interface Surroundings {
  readonly openSwitch: typeof openSwitch
  readonly watchPorts: typeof watchPorts
  readonly watchInventory: typeof watchInventory
}

const HOST: Surroundings = { openSwitch, watchPorts, watchInventory }

/** Runs the agent until a signal. The data plane is left in place whichever way this ends. */
export async function runAgent(config: AgentConfig, log: Log, around: Surroundings = HOST): Promise<void> {
  const house = await createHouse(config, log)
  const { version, cells, readiness, notify, late } = house
  log.info('agent started', { version, bridge: config.bridge, host: config.hostId, state: config.stateFile })
  await runLifecycle({
    log,
    parts: partsOf(house, around),
    late: () => late.due,
    onReload: () => {
      log.info('rereading the service files')
      void readiness.reload(async () => cells.serviceFiles.get()?.reload())
    },
    onStopping: notify.stopping,
  })
  log.info('agent stopped; flows and VIPs stay in place')
}

/** In order of start: what acts on the outcome of a pass, in the order in which it takes it, before what leads to one. */
function partsOf(house: House, around: Surroundings): readonly Part[] {
  return [
    onlyAgent(house),
    { name: 'state file', start: () => house.store.close },
    switchSession(house, around.openSwitch),
    { name: 'calls of guest agents', start: () => house.agentCaller.close },
    guests(house),
    healthChecks(house),
    reports(house),
    registration(house),
    tunnelPeers(house),
    connectionTable(house),
    memory(house),
    icmpErrors(house),
    reconcileLoop(house),
    driftGuard(house),
    audit(house),
    serviceFiles(house),
    ports(house, around.watchPorts),
    tunnelPort(house),
    inventory(house, around.watchInventory),
    { name: 'watchdog', start: () => feedWatchdog(house.notify, house.clock) },
    controlSocket(house),
  ]
}
