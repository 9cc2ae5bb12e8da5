import type { Log } from '../../shared/log.ts'
import type { Clock } from '../../shared/run/clock.ts'
import type { Switch } from '../../shared/switch/types.ts'
import { type Probe, probes } from '../compile/probes.ts'
import { TABLE } from '../compile/tables.ts'
import type { ProbeContext } from '../compile/types.ts'
import type { AgentCall } from '../guest/qga.ts'
import type { PortsSnapshot } from '../ports/types.ts'
import { type ProbeNetwork, probeCidr, probeHost, probeNetwork } from '../probe-port/address.ts'
import { createProbePort } from '../probe-port/port.ts'
import type { RealServer } from '../real-servers/types.ts'
import { createHealthMonitor } from './monitor.ts'
import { createProbers } from './probers/all.ts'
import { type CheckTargetInput, createCheckTargets } from './targets.ts'
import { trafficOf } from './traffic.ts'
import type { Health } from './types.ts'

/** Datagrams leave from this port: above the ephemeral ones (ip_local_port_range), below the dynamic ones' end. */
const UDP_PORT = 61_053
/** An observation window of the clients' own packets. */
const WINDOW_MS = 2000

export interface HealthRoomOptions {
  readonly bridge: string
  readonly probePort: string
  readonly probeNetwork: string
  readonly ovsdbSocket: string
  readonly agentCall: AgentCall
  readonly sw: Pick<Switch, 'readFlowStats'>
  readonly log: Log
  readonly clock: Clock
  /** A verdict, or what the bridge must hold for the checks, has changed. */
  onChange(): void
  /** A real server of this VM has begun to fail. */
  onSuspect(vmUuid: string): void
}

/** Everything about health checks, as the reconcile loop needs it. */
export interface HealthRoom {
  /** Where the guests' answers go, for their routes (CIDR). */
  readonly network: string
  /** First in a pass: what the bridge must know of probes. The same list of real servers is taken to be unchanged. */
  plan(
    realServers: readonly RealServer[],
    ports: PortsSnapshot,
    options: { readonly sweep: boolean },
  ): ProbeContext | undefined
  /** Then, of the same real servers: what is to be checked from now on. */
  set(input: Omit<CheckTargetInput, 'portObstacle'>): void
  /** Undefined for a real server that is not checked. */
  health(key: string): Health | undefined
  /** The newest result in words; '' where there is none. */
  last(key: string): string
  close(): Promise<void>
}

export function createHealthRoom(options: HealthRoomOptions): HealthRoom {
  const { clock, log, sw, onChange } = options
  const network = probeNetwork(options.probeNetwork)
  const own = probeHost(network)
  const port = createProbePort({
    bridge: options.bridge,
    name: options.probePort,
    address: `${own}/${network.length}`,
    ovsdbSocket: options.ovsdbSocket,
    log,
    clock,
    onChange,
  })
  const probers = createProbers({ agentCall: options.agentCall, clock, udp: { address: own, port: UDP_PORT } })
  const monitor = createHealthMonitor({
    clock,
    log,
    onChange,
    onSuspect: target => options.onSuspect(target.vmUuid),
    prober: async (target, signal) => {
      const result = await probers.probe(target, signal)
      if (result.kind === 'impossible' && target.address !== undefined) port.suspect()
      return result
    },
  })

  let watched: readonly RealServer[] = []
  let cancelWindow: (() => void) | undefined
  const counters = async () => {
    const of = (kind: 'request' | 'reply') => sw.readFlowStats({ table: TABLE.classify, kind })
    return (await Promise.all([of('request'), of('reply')])).flat()
  }
  const window = async () => {
    const list = watched
    try {
      monitor.observe(trafficOf(list, await counters()))
    } catch {
      // The switch is away: its counters will begin anew.
      monitor.observe(new Map())
    }
    if (cancelWindow !== undefined) cancelWindow = clock.after(WINDOW_MS, () => void window())
  }
  const watch = (realServers: readonly RealServer[]) => {
    watched = realServers
    if (realServers.length === 0) {
      cancelWindow?.()
      cancelWindow = undefined
    } else cancelWindow ??= clock.after(WINDOW_MS, () => void window())
  }

  const makeTargets = createCheckTargets()
  let planned = planOf([], network)
  return {
    network: probeCidr(network),
    plan: (realServers, ports, { sweep }) => {
      if (planned.realServers !== realServers) planned = planOf(realServers, network)
      const { wanted } = planned
      if (wanted || sweep) port.set(wanted, ports)
      const { ofport, mac } = port.state
      if (!wanted || ofport === undefined) return undefined
      const { sources } = planned
      return { network, sources, port: { ofport, mac, address: own, udpPort: UDP_PORT } }
    },
    set: input => {
      const { checked, probes } = planned
      monitor.set(makeTargets(checked, probes, { ...input, portObstacle: port.state.obstacle }))
      watch(checked.filter(({ check }) => check?.passive !== 'off'))
    },
    health: monitor.health,
    last: monitor.last,
    close: async () => {
      watch([])
      monitor.stop()
      probers.close()
      await port.close()
    },
  }
}

/** For a host without checks. */
export const noChecks: HealthRoom = {
  network: '169.254.96.0/19',
  plan: () => undefined,
  set: () => {},
  health: () => undefined,
  last: () => '',
  close: async () => {},
}

interface Plan {
  readonly realServers: readonly RealServer[]
  /** Something is probed, or will be as soon as its VM runs: the port stays while a VM reboots. */
  readonly wanted: boolean
  /** Those that are attached and have a check. */
  readonly checked: readonly RealServer[]
  readonly probes: ReadonlyMap<string, Probe>
  readonly sources: Readonly<Record<string, readonly string[]>>
}

function planOf(realServers: readonly RealServer[], network: ProbeNetwork): Plan {
  const checked = realServers.filter(({ check, attachment }) => check !== undefined && attachment !== undefined)
  const sources: Record<string, string[]> = {}
  for (const { check, attachment } of checked) {
    if (check?.source === undefined || attachment === undefined) continue
    const mine = (sources[attachment.port] ??= [])
    if (!mine.includes(check.source)) mine.push(check.source)
  }
  const wanted = realServers.some(({ check }) => check !== undefined && check.type !== 'exec')
  return { realServers, wanted, checked, probes: probes(checked, network), sources }
}
