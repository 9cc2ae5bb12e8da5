import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { createApplier } from '../shared/apply/apply.ts'
import { type ServicesWatch, watchServices } from '../shared/config/watch.ts'
import { createAgentCaller } from '../shared/libvirt/agent.ts'
import type { Log } from '../shared/log.ts'
import { keepTunnelPort, type TunnelPortKeeper } from '../shared/ovsdb/keep-tunnel-port.ts'
import { clearSocket } from '../shared/rpc/socket.ts'
import { systemClock } from '../shared/run/clock.ts'
import { createDirtyLoop } from '../shared/run/dirty-loop.ts'
import { type Part, runLifecycle } from '../shared/run/lifecycle.ts'
import { createNotify, feedWatchdog } from '../shared/run/notify.ts'
import { createReadiness } from '../shared/run/readiness.ts'
import { createTimeline } from '../shared/run/timeline.ts'
import { createDriftGuard } from '../shared/switch/drift-guard.ts'
import { openSwitch } from '../shared/switch/session.ts'
import { createTableRoom } from '../shared/switch/table-room.ts'
import { keepTunnelPeers } from '../shared/switch/tunnel-peers.ts'
import { createBridgeTeacher } from './apply/bridge-teacher.ts'
import { createHostZone } from './apply/host-zone.ts'
import type { AgentConfig } from './config/schema.ts'
import { type ControlOptions, resync, teardown } from './control.ts'
import { createGuestManager } from './guest/manager.ts'
import { createHealthRoom } from './health/room.ts'
import { createIcmpErrors } from './icmp-errors.ts'
import { connectionSeconds, initialInputs, missing } from './inputs.ts'
import { watchInventory } from './inventory/watch.ts'
import { greetings, hostOverlay, peersOf, tunnelState, withoutTags } from './overlay.ts'
import { type PortWatch, watchPorts } from './ports/watch.ts'
import { createReconciler, type Reconciler } from './reconcile.ts'
import { createReporting } from './reporting.ts'
import { agentStatus } from './status.ts'
import { openStore } from './store/store.ts'

const PACKAGE = new URL('../package.json', import.meta.url)
const VERSION = (JSON.parse(readFileSync(PACKAGE, 'utf8')) as { version: string }).version

/** Time between two full comparisons with the switch. */
const AUDIT_MS = 600_000

/** How long what the first pass does not need waits for it: where others keep it waiting, and where it is busy itself. */
const ASKED_MS = 1000
const BUSY_MS = 5000
const LOOK_MS = 100

/** What the agent finds on its host. A benchmark puts others in their place: nobody has a thousand VMs at hand. */
export interface Surroundings {
  readonly openSwitch: typeof openSwitch
  readonly watchPorts: typeof watchPorts
  readonly watchInventory: typeof watchInventory
}

const HOST: Surroundings = { openSwitch, watchPorts, watchInventory }

/** Wires the rooms together and runs until a signal. The data plane is left in place whichever way this ends. */
export async function runAgent(config: AgentConfig, log: Log, around: Surroundings = HOST): Promise<void> {
  const clock = systemClock
  const startedAt = clock.wall().toISOString()
  const notify = createNotify({ log })
  const readiness = createReadiness(notify)
  const store = openStore(config.stateFile)
  const inputs = initialInputs(store, config.director)
  const overlay = await hostOverlay(config)
  const lookAtTunnel = (problem: string | undefined) => {
    if (overlay === undefined) return
    inputs.tunnel = tunnelState(overlay, problem)
  }
  lookAtTunnel(undefined)
  let tunnelPort: TunnelPortKeeper | undefined
  const timeline = createTimeline(clock)
  const applier = createApplier({ store, log, clock })
  const listeners = new Set<() => void>()
  const touched = () => {
    for (const listener of [...listeners]) listener()
  }
  const mark = (reason: string) => {
    loop.mark(reason)
    touched()
  }

  /** The first pass is through, or is long in coming: what it does not need may have its turn. */
  const { promise: started, resolve: passed } = Promise.withResolvers<void>()
  const loop = createDirtyLoop({
    clock,
    log,
    coalesceMs: 2,
    gate: () => {
      const what = missing(inputs)
      readiness.waiting(what)
      return what
    },
    act: async () => {
      await reconciler.pass().finally(() => {
        touched()
        passed()
      })
      peers?.set(peersOf(overlay, inputs))
      if (readiness.reached('in sync')) log.info('in sync', { flows: applier.counts.installedFlows })
    },
  })
  const busy = () => (loop.acting || !inputs.services.synced) && clock.now() - begun < BUSY_MS
  const look = () => {
    if (busy()) cancelStart = clock.after(LOOK_MS, look)
    else passed()
  }
  const begun = clock.now()
  let cancelStart = clock.after(ASKED_MS, look)
  let ovsdb: PortWatch['client'] | undefined
  const hostZone = createHostZone({ rundir: config.ovsRunDir, client: () => ovsdb, log, clock })
  const tableRoom = createTableRoom({ rundir: config.ovsRunDir, log, clock, changed: touched })
  const teacher = createBridgeTeacher({ rundir: config.ovsRunDir, bridge: config.bridge, log, clock })
  const sw = around.openSwitch({
    bridge: config.bridge,
    owner: 'agent',
    rundir: config.ovsRunDir,
    log,
    clock,
    handlers: {
      isOurs: applier.isOurs,
      onPacketIn: createIcmpErrors({ log, clock, switch: () => sw, realServers: () => reconciler.picture.realServers }),
      onUp: () => {
        inputs.switchUp = true
        applier.distrust({ retryRefused: true })
        hostZone.distrust()
        teacher.distrust()
        applier.readAhead(sw)
        mark('switch up')
      },
      onDown: reason => {
        inputs.switchUp = false
        inputs.switchReason = reason
        applier.distrust()
        mark('switch down')
      },
      onDrift: what => {
        applier.distrust()
        drift.heard(what)
      },
    },
  })
  const drift = createDriftGuard({ clock, log, repair: () => mark('drift') })
  /** Drift is told of; this is for what nobody has told, and tries again what was refused. */
  const audit = () => {
    applier.distrust({ retryRefused: true })
    mark('audit')
    cancelAudit = clock.after(AUDIT_MS, audit)
  }
  let cancelAudit = clock.after(AUDIT_MS, audit)
  const peers = overlay && keepTunnelPeers({ sw: () => sw, clock, log, ...greetings(overlay, inputs, config.hostMac) })
  const agentCaller = createAgentCaller({ socket: config.libvirtSocket, clock })
  const guest = createGuestManager({
    agentCall: agentCaller.call,
    records: {
      ...store.guestRecords,
      // A pass that is under way may be about to take its shield away.
      put: record => {
        store.guestRecords.put(record)
        mark('VIP recorded')
      },
      // A VIP that a guest has given back needs no shield any more.
      remove: (vmUuid, mac, vip) => {
        store.guestRecords.remove(vmUuid, mac, vip)
        mark('VIP taken out of a guest')
      },
    },
    log,
    clock,
    onChange: () => mark('guest'),
  })
  const health = createHealthRoom({
    bridge: config.bridge,
    probePort: config.probePort,
    probeNetwork: config.probeNetwork,
    ovsdbSocket: config.ovsdbSocket,
    agentCall: agentCaller.call,
    sw,
    log,
    clock,
    onChange: () => mark('health'),
    onSuspect: guest.verify,
  })
  const reporting = createReporting({ config, version: VERSION, inputs, timeline, log, clock, mark, touched })
  const reconciler: Reconciler = createReconciler({
    inputs,
    store,
    applier,
    guest,
    health,
    sw,
    ingressPorts: config.ingressPorts,
    hostMac: config.hostMac,
    uplink: config.uplink,
    overlay,
    timeline,
    log,
    accompany: async ({ datapathType, clientSeconds, taught }) => {
      tableRoom.watch(datapathType)
      if (taught !== undefined) await teacher.ensure(taught.port, taught.addresses)
      await hostZone.ensure(datapathType, connectionSeconds(inputs), clientSeconds)
    },
    onReport: reporting.update,
  })

  let services: ServicesWatch | undefined
  const reloadServices = async () => services?.reload()
  const control: ControlOptions = { applier, store, reconciler, loop, log, clock, listeners, mark, reloadServices }
  const getStatus = () =>
    agentStatus({
      id: config.hostId,
      version: VERSION,
      startedAt,
      bridge: config.bridge,
      servicesDir: config.servicesDir,
      inputs,
      picture: reconciler.picture,
      applier,
      store,
      timeline,
      lastCheck: health.last,
      loopError: loop.lastError,
      tableProblems: tableRoom.problems,
    })
  const onChange = (listener: () => void) => {
    listeners.add(listener)
    return () => {
      listeners.delete(listener)
    }
  }

  const parts: Part[] = [
    {
      name: 'the only agent here',
      start: async () => {
        await clearSocket(config.controlSocket)
        return undefined
      },
    },
    {
      name: 'service files',
      start: () => {
        services = watchServices({
          dir: config.servicesDir,
          log,
          clock,
          lastGood: store.serviceFiles.load(),
          watchAfter: started,
          onChange: snapshot => {
            inputs.services = snapshot
            mark('service files')
          },
        })
        return () => services?.close()
      },
    },
    {
      name: 'ports',
      start: () => {
        const { ovsdbSocket: socket, bridge } = config
        const watch = around.watchPorts({
          socket,
          bridge,
          log,
          clock,
          onChange: snapshot => {
            inputs.ports = overlay === undefined ? snapshot : withoutTags(snapshot)
            tunnelPort?.check()
            lookAtTunnel(tunnelPort?.problem)
            mark('ports')
          },
        })
        ovsdb = watch.client
        if (overlay !== undefined) {
          const { tunnel: name, encapsulation: type, hostIp: localIp } = overlay
          tunnelPort = keepTunnelPort({
            client: watch.client,
            port: { bridge, name, type, localIp },
            log,
            clock,
            onChange: () => {
              lookAtTunnel(tunnelPort?.problem)
              mark('tunnel port')
            },
          })
        }
        return () => {
          tunnelPort?.close()
          watch.close()
        }
      },
    },
    {
      name: 'inventory',
      start: () => {
        const watch = around.watchInventory({
          socket: config.libvirtSocket,
          log,
          clock,
          onChange: inventory => {
            // Until libvirt has answered once, what it said before the restart stands.
            const { domains } = !inventory.synced && inventory.domains.length === 0 ? inputs.inventory : inventory
            inputs.inventory = { ...inventory, domains }
            mark('inventory')
          },
        })
        return () => watch.close()
      },
    },
    { name: 'watchdog', start: () => feedWatchdog(notify, clock) },
    {
      name: 'control socket',
      start: async signal => {
        // gRPC takes as long to load as all else, and flows need nothing of it.
        await Promise.race([started, delay(BUSY_MS, undefined, { ref: false, signal })])
        const { serveControl } = await import('../shared/rpc/control.ts')
        const server = await serveControl({
          socket: config.controlSocket,
          log,
          control: {
            getStatus,
            onChange,
            resync: () => resync(control),
            teardown: () =>
              teardown({
                ...control,
                removeOthers: async () => {
                  await tunnelPort?.remove()
                  await hostZone.withdraw()
                },
              }),
          },
        })
        return () => server.close()
      },
    },
  ]

  log.info('agent started', { version: VERSION, bridge: config.bridge, host: config.hostId, state: config.stateFile })
  await runLifecycle({
    log,
    parts,
    onReload: () => {
      log.info('rereading the service files')
      void readiness.reload(reloadServices)
    },
    onStopping: () => notify.stopping(),
  })
  await reporting.close()
  cancelStart()
  cancelAudit()
  tableRoom.close()
  peers?.close()
  drift.close()
  await loop.stop()
  applier.close()
  await health.close()
  await guest.close()
  agentCaller.close()
  await sw.close()
  store.close()
  log.info('agent stopped; flows and VIPs stay in place')
}
