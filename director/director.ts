import { createApplier } from '../shared/apply/apply.ts'
import type { ServicesSnapshot } from '../shared/config/snapshot.ts'
import { CrossportError } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import { ensureCtTimeoutPolicies } from '../shared/ovsdb/ct-timeout-policies.ts'
import type { TunnelPortKeeper } from '../shared/ovsdb/keep-tunnel-port.ts'
import type { Control } from '../shared/rpc/control.ts'
import type { Clock } from '../shared/run/clock.ts'
import { createTimeline } from '../shared/run/timeline.ts'
import { createDriftGuard } from '../shared/switch/drift-guard.ts'
import { createTableRoom } from '../shared/switch/table-room.ts'
import { keepTunnelPeers } from '../shared/switch/tunnel-peers.ts'
import type { Switch, SwitchHandlers } from '../shared/switch/types.ts'
import { disableSequenceChecks } from '../shared/switch/vswitchd.ts'
import { createAccounting } from './accounting/accounting.ts'
import { createAnnouncer } from './outlets/announce.ts'
import { dumpConnections, entriesInTheWay, ZONES } from './apply/conntrack.ts'
import { createMeters } from './apply/meters.ts'
import { createRefuser } from './packets/refuse.ts'
import { createReleaser } from './outlets/release.ts'
import { createZones } from './apply/zones.ts'
import { startBalance } from './balance/balance.ts'
import { startForgotten } from './balance/forgotten.ts'
import { serviceObject } from './compile/compile.ts'
import { intoTunnel } from './compile/fabric.ts'
import type { CompiledService, Site } from './compile/types.ts'
import type { DirectorConfig } from './config.ts'
import { listConnections } from './connections/list.ts'
import { createIcmpErrors } from './packets/icmp-errors.ts'
import type { AgentHandlers, Agents, Offer } from './intake/agents.ts'
import type { BridgeWatch } from './intake/bridge.ts'
import { createInputs } from './intake/inputs.ts'
import { createLinger } from './outlets/linger.ts'
import { createOffers } from './outlets/offer-document.ts'
import { startPassive } from './balance/passive.ts'
import { markOf, type Plan } from './plan/plan.ts'
import type { Part } from './plan/planner.ts'
import { createRecall } from './packets/recall.ts'
import { type Differing, startReconcile } from './reconcile.ts'
import { restoreRegistry } from './registry/registry.ts'
import type { VirtualService } from './registry/services.ts'
import { statusOf } from './outlets/status.ts'
import type { Store } from './store/store.ts'
import { createTableWatch } from './packets/table-watch.ts'
import { createWaitingRoom } from './packets/held-syns.ts'

export interface DirectorOptions {
  readonly config: DirectorConfig
  readonly store: Store
  readonly log: Log
  readonly clock: Clock
  readonly version: string
  /** What must come before the first pass, undefined when nothing. */
  onWaiting(what: string | undefined): void
  /** After every pass that the switch has confirmed. */
  onConfirmed(): void
}

/** The director without its ports to the world, which run.ts opens and plugs in. */
export interface Director {
  readonly agentHandlers: AgentHandlers
  readonly switchHandlers: SwitchHandlers
  readonly control: Control
  setServices(snapshot: ServicesSnapshot): void
  setBridge(site: Site | undefined, problem: string | undefined): void
  /** Begins to listen for what the switch exports of connections; the function ends that. */
  account(): Promise<() => Promise<void>>
  useAgents(agents: Agents): void
  useBridge(bridge: BridgeWatch): void
  useTunnel(tunnel: TunnelPortKeeper): void
  useSwitch(sw: Switch): void
  stop(): Promise<void>
}

export function createDirector(options: DirectorOptions): Director {
  const { config, store, log, clock, version } = options
  const startedAt = clock.wall()
  const vswitchd = { rundir: config.ovsRunDir, log, clock }
  const applier = createApplier({ log, clock })
  const timeline = createTimeline(clock)
  const announcer = createAnnouncer({ log, clock })
  const refuser = createRefuser({ log, clock })
  const meters = createMeters(log)
  const listeners = new Set<() => void>()
  const changed = () => {
    for (const listener of listeners) listener()
  }
  let agents: Agents | undefined
  let bridge: BridgeWatch | undefined
  let sw: Switch | undefined
  let tunnel: TunnelPortKeeper | undefined
  const makeOffer = createOffers()
  let offer: Offer | undefined
  const zones = createZones(config.connectionTimeouts)
  const accounting = createAccounting({
    config,
    log,
    clock,
    recallMac: () => inputs.site?.recallMac,
    mark: reason => reconcile.loop.mark(reason),
  })
  const releaser = createReleaser({
    accounts: accounting.accounts,
    switch: () => sw,
    site: () => inputs.site,
    log,
    clock,
  })
  const tableRoom = createTableRoom({ ...vswitchd, changed })
  let relaxed = false
  let lastCommitAt: Date | undefined

  const inputs = createInputs({
    registry: restoreRegistry(store.hosts.load(), clock.now(), config.leaseMs),
    leaseMs: config.leaseMs,
    clock,
    mark: reason => {
      reconcile.loop.mark(reason)
      changed()
    },
  })

  /** In the order in which a connection's first packet needs them. */
  const accompany = async (change: Differing<CompiledService>) => {
    zones.update(change)
    if (bridge?.view === undefined) return
    tableRoom.watch(bridge.view.datapathType)
    if (!relaxed && bridge.view.datapathType === 'netdev') {
      // Asked once a session: a vswitchd that does not know the command will not learn it.
      relaxed = true
      await disableSequenceChecks(vswitchd).catch((err: unknown) =>
        log.warn('conntrack goes on checking sequence numbers: large uploads may stall', { err }),
      )
    }
    if (sw !== undefined && !reconcile.tornDown) await meters.ensure(sw, inputs.registry.hosts.size)
    const { datapathType } = bridge.view
    await accounting.ensure(bridge.client, datapathType)
    const wanted = zones.due(datapathType)
    if (wanted === undefined) return
    const { conflicts } = await ensureCtTimeoutPolicies(bridge.client, { datapathType, zones: wanted, range: ZONES })
    zones.inForce(datapathType)
    if (conflicts.length > 0) log.warn('connection tracking zones that somebody else has set up', { zones: conflicts })
  }

  const peers = keepTunnelPeers({
    sw: () => sw,
    clock,
    log,
    mac: () => inputs.site?.directorMac,
    actions: peer => {
      const { site } = inputs
      return site === undefined || site.fabric === 'l2' ? [] : intoTunnel(site.uplink, site.fabric, peer)
    },
  })

  const onApplied = ({ plan, altered, gone, site }: { plan: Plan; altered: Part; gone: Part; site: Site }) => {
    if (applier.counts.commits > 0) lastCommitAt = clock.wall()
    note(altered)
    // Whose clients are to be told is looked up in the accounts, which end with the service.
    releaser.update(altered.compiled, gone.compiled)
    accounting.follow(altered.compiled, gone.compiled)
    if (sw !== undefined && !reconcile.tornDown) {
      const agentHere = [...inputs.registry.hosts.values()].some(({ hostMac }) => site.ownMacs.includes(hostMac))
      announcer.announce(sw, new Set(plan.compiled.map(service => service.vip)), site, agentHere)
    }
    if (site.fabric !== 'l2') {
      const hosts = inputs.registry.hosts.values().map(host => host.hostIp)
      peers.set([...hosts, ...site.fabric.clientHosts].filter(ip => ip !== config.hostIp))
    }
    if (plan.compiled.length > 0 && !reconcile.tornDown) tableWatch.applied()
    changed()
    options.onConfirmed()
  }

  const note = (plan: Part) => {
    for (const [i, service] of plan.services.entries()) {
      const ready = service.realServers.filter(rs => rs.state === 'ready')
      for (const rs of ready) timeline.reached('registered', `${service.service} ${rs.vm}`, rs.id)
      if (!applier.confirmed(serviceObject(plan.compiled[i]!))) continue
      timeline.reached('flows', service.service, `${serving(plan.compiled[i]!)} real servers in scheduling`)
    }
  }

  const linger = createLinger(clock, reason => reconcile.loop.mark(reason))
  const inForce = {
    switch: () => (reconcile.tornDown ? undefined : sw),
    plan: () => reconcile.plan,
    markOf: (service: VirtualService, id: string) => markOf(service, id, store.numbers),
    log,
    clock,
  }
  /** Of a service's real servers. */
  const sumOf = (key: string, what: 'total' | 'active') =>
    balance
      .load(key)
      ?.servers.values()
      .reduce((sum, server) => sum + server[what], 0) ?? 0
  const passive = startPassive({
    ...inForce,
    totalOf: key => sumOf(key, 'total'),
    mark: reason => reconcile.loop.mark(reason),
    changed,
  })
  const dump = (zone: number, details: boolean) => {
    const datapathType = bridge?.view?.datapathType ?? 'netdev'
    return dumpConnections(vswitchd, datapathType, zone, details)
  }
  const entries = () => entriesInTheWay(vswitchd, bridge?.view?.datapathType, config.uplink)
  const forgotten = startForgotten({
    ...inForce,
    activeOf: key => sumOf(key, 'active'),
    dump: zone => dump(zone, false),
    entries,
  })
  const balance = startBalance({
    ...inForce,
    judged: passive.judged,
    forgottenOf: forgotten.of,
    lostAt: lossBefore(store, clock),
    udpTimeout: config.connectionTimeouts.udp,
    mark: reason => reconcile.loop.mark(reason),
  })

  const reconcile = startReconcile({
    inputs,
    knowledge: balance.knowledge,
    judged: passive.judged,
    dueShares: () => balance.due().union(passive.due()),
    store,
    applier,
    switch: () => {
      if (sw === undefined) throw new Error('the switch is not open')
      return sw
    },
    log,
    clock,
    accompany,
    onApplied,
    waiting: options.onWaiting,
    offer: (site, { altered, gone }) => {
      const { specs, services } = inputs
      const documents = linger.amend({
        documents: services.documents,
        specs,
        altered,
        gone: gone.map(({ key }) => key),
      })
      const { id: directorId, leaseMs } = config
      const directorIp = config.fabric === 'overlay' ? { directorIp: config.hostIp ?? '' } : {}
      const next = makeOffer(
        {
          directorId,
          directorMac: site.directorMac,
          recallMac: site.recallMac,
          leaseMs,
          active: true,
          connectionSeconds: config.connectionTimeouts.tcp,
          ...directorIp,
        },
        documents,
      )
      if (next === undefined) return
      offer = next
      agents?.setOffer(offer)
    },
  })

  const drift = createDriftGuard({ clock, log, repair: () => reconcile.loop.mark('drift') })

  const icmpErrors = createIcmpErrors({
    log,
    clock,
    switch: () => sw,
    site: () => inputs.site,
    services: () => reconcile.plan?.compiled ?? [],
  })

  const recall = createRecall({
    log,
    clock,
    switch: () => sw,
    site: () => inputs.site,
    services: () => reconcile.plan?.compiled ?? [],
    refuse: packet => refuser.refuse(sw, packet),
  })

  const waitingRoom = createWaitingRoom({ log, clock, switch: () => sw })
  const tableLost = () => {
    balance.tableLost()
    try {
      store.losses.save(clock.wall().getTime())
    } catch (err) {
      log.warn('a director that is started now will not ask hosts about persistent clients', { err })
    }
  }
  const tableWatch = createTableWatch({ log, clock, switch: () => sw, onLost: tableLost })

  const control: Control = {
    getStatus: () =>
      statusOf({
        id: config.id,
        version,
        bridge: config.bridge,
        servicesDir: config.servicesDir,
        startedAt,
        inputs: inputs.states,
        specProblems: inputs.specProblems,
        plan: reconcile.plan,
        loadOf: balance.load,
        passive,
        hosts: [...inputs.registry.hosts.values()],
        connected: agents?.connected ?? new Set(),
        counts: applier.counts,
        quarantined: applier.quarantined,
        lastCommitAt,
        lastError: reconcile.loop.lastError,
        tornDown: reconcile.tornDown,
        tableProblems: tableRoom.problems,
        timeline,
        wallOf: at => new Date(clock.wall().getTime() + at - clock.now()),
      }),
    onChange: listener => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    resync: async () => {
      zones.distrust()
      meters.distrust()
      accounting.distrust()
      tunnel?.resume()
      const { added, changed: altered, deleted } = await reconcile.resync()
      return { flowsAdded: added, flowsChanged: altered, flowsDeleted: deleted }
    },
    connections: ({ service, disturb }) => {
      if (reconcile.plan === undefined) throw new CrossportError('NOT_IN_SYNC', 'nothing has been applied yet')
      return listConnections({
        plan: reconcile.plan,
        service,
        disturb,
        timeouts: config.connectionTimeouts,
        markOf: (of, id) => markOf(of, id, store.numbers),
        dump: zone => dump(zone, true),
        entries,
        accounts: config.accounting ? accounting.accounts : undefined,
        now: clock.now(),
        wall: clock.wall().getTime(),
      })
    },
    teardown: async () => {
      const { deleted } = await reconcile.teardown()
      if (sw !== undefined) await meters.withdraw(sw)
      await tunnel?.remove()
      if (bridge !== undefined) await accounting.withdraw(bridge.client)
      return { flowsDeleted: deleted, vipsRemoved: 0 }
    },
  }

  return {
    agentHandlers: inputs.agentHandlers,
    control,
    switchHandlers: {
      isOurs: applier.isOurs,
      onPacketIn: packet => {
        icmpErrors(packet)
        recall.packet(packet)
        waitingRoom.packet(packet)
        tableWatch.packet(packet)
        refuser.packet(sw, packet)
      },
      onUp: () => {
        applier.distrust({ retryRefused: true })
        zones.distrust()
        meters.distrust()
        tableWatch.distrust()
        accounting.distrust()
        inputs.setState('switch', 'in sync', 'connected')
        relaxed = false
        reconcile.loop.mark('switch')
      },
      onDown: reason => {
        applier.distrust()
        inputs.setState('switch', 'away', reason)
      },
      onDrift: what => {
        applier.distrust()
        drift.heard(what)
      },
    },
    setServices: snapshot => {
      const present = new Set(snapshot.specs.map(spec => spec.service))
      for (const spec of snapshot.specs) {
        timeline.reached('file', spec.service, `${spec.source.file}:${spec.source.line}`)
      }
      timeline.forget('file', present)
      inputs.setServices(snapshot)
      const { specs, problems } = snapshot
      inputs.setState('files', 'in sync', `${specs.length} services, ${problems.length} problems`)
    },
    setBridge: (site, problem) => {
      inputs.setState('ovsdb', problem === undefined ? 'in sync' : 'away', problem ?? config.bridge)
      inputs.setSite(site)
    },
    account: async () => {
      await accounting.start()
      return async () => {
        accounting.stop()
        if (bridge?.problem === undefined && bridge !== undefined) await accounting.withdraw(bridge.client)
      }
    },
    useAgents: next => {
      agents = next
      inputs.setState('agents', 'in sync', `listening on ${next.address}`)
      if (offer !== undefined) agents.setOffer(offer)
    },
    useBridge: next => {
      bridge = next
    },
    useTunnel: next => {
      tunnel = next
    },
    useSwitch: next => {
      sw = next
    },
    stop: async () => {
      balance.stop()
      passive.stop()
      forgotten.stop()
      linger.close()
      releaser.close()
      recall.close()
      waitingRoom.close()
      tableWatch.close()
      tableRoom.close()
      announcer.close()
      peers.close()
      drift.close()
      await reconcile.stop()
    },
  }
}

/** By the monotonic clock, which does not outlive the process. The wall clock may have been set since: not into the future. */
function lossBefore({ losses }: Store, clock: Clock): number | undefined {
  const at = losses.load()
  return at === undefined ? undefined : clock.now() - Math.max(0, clock.wall().getTime() - at)
}

/** Real servers that may get new connections, whether or not they get any at this moment. */
function serving({ targets }: CompiledService): number {
  return targets.filter(target => target.newConnections).length
}
