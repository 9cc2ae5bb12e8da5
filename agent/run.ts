import type { Log } from '../shared/log.ts'
import { onlyOne } from '../shared/rpc/socket.ts'
import { type Part, runLifecycle } from '../shared/run/lifecycle.ts'
import { feedWatchdog } from '../shared/run/notify.ts'
import { openSwitch } from '../shared/switch/session.ts'
import type { AgentConfig } from './config/schema.ts'
import { createHouse, type House } from './house.ts'
import { watchInventory } from './inventory/watch.ts'
import { driftGuard } from './parts/drift-guard.ts'
import { hostIp } from './parts/host-ip.ts'
import { inventory } from './parts/inventory.ts'
import { reconcileLoop } from './parts/loop.ts'
import { ports } from './parts/ports.ts'
import { serviceFiles } from './parts/service-files.ts'
import { switchSession } from './parts/switch.ts'
import { tunnelPort } from './parts/tunnel-port.ts'
import { watchPorts } from './ports/watch.ts'

/** What the agent finds on its host. A benchmark replaces these, because no machine has a thousand VMs. */
export interface Surroundings {
  readonly openSwitch: typeof openSwitch
  readonly watchPorts: typeof watchPorts
  readonly watchInventory: typeof watchInventory
}

const HOST: Surroundings = { openSwitch, watchPorts, watchInventory }

type Start = (house: House) => ReturnType<Part['start']>

/**
 * Runs the agent until a signal. The data plane stays in place however the agent ends. Throws RPC_LISTEN when an agent runs here
 * already, else the error that keeps a part from starting.
 */
export async function runAgent(config: AgentConfig, log: Log, around: Surroundings = HOST): Promise<void> {
  // First of all, because two agents must not work on one state file and one switch.
  await onlyOne(config.controlSocket, log)
  const house = await createHouse(config, log)
  const { version, cells, startup, notify, late } = house
  log.info('agent started', { version, bridge: config.bridge, host: config.hostId, state: config.stateFile })
  await runLifecycle({
    log,
    parts: partsOf(house, around),
    late: () => late.due,
    onReload: () => {
      log.info('rereading the service files')
      void startup.reload(async () => cells.serviceFiles.get()?.reload())
    },
    onStopping: notify.stopping,
  })
  log.info('agent stopped; flows and VIPs stay in place')
}

/** The parts in order of their start: inputs of a pass come before takers of its outcome. */
function partsOf(house: House, around: Surroundings): readonly Part[] {
  const part = (name: string, start: Start): Part => ({
    name,
    start: () => start(house),
  })
  /** A part that is loaded only after the first pass, because loading code makes up much of a cold start. */
  const late = (name: string, load: () => Promise<Start>): Part => ({
    name,
    late: true,
    start: async () => (await load())(house),
  })
  return [
    part('state file', ({ store }) => store.close),
    part('switch', () => switchSession(house, around.openSwitch)),
    part('calls of guest agents', ({ agentCaller }) => agentCaller.close),
    { ...part('reconcile loop', reconcileLoop), stopsFirst: true },
    part('drift guard', driftGuard),
    part('service files', serviceFiles),
    part('ports', () => ports(house, around.watchPorts)),
    part('tunnel port', tunnelPort),
    part('host IP', hostIp),
    part('inventory', () => inventory(house, around.watchInventory)),
    part('watchdog', ({ notify, clock, loop, log }) => feedWatchdog(notify, clock, loop, log)),
    late('guests', async () => (await import('./parts/guests.ts')).guests),
    late('health checks', async () => (await import('./parts/health-checks.ts')).healthChecks),
    late('certificate', async () => (await import('./parts/certificate.ts')).certificate),
    late('reports', async () => (await import('./parts/reports.ts')).reports),
    late('registration', async () => (await import('./parts/registration.ts')).registration),
    late('tunnel peers', async () => (await import('./parts/tunnel-peers.ts')).tunnelPeers),
    late('table fill', async () => (await import('./parts/table-fill.ts')).tableFill),
    late('memory', async () => (await import('./parts/memory.ts')).memory),
    late('ICMP errors', async () => (await import('./parts/icmp-errors.ts')).icmpErrors),
    late('audit', async () => (await import('./parts/audit.ts')).audit),
    // A teardown is given up while the loop still acts, so it does not take a stopped loop for one that has done its work.
    {
      ...late('control socket', async () => (await import('./parts/control-socket.ts')).controlSocket),
      stopsFirst: true,
    },
  ]
}
