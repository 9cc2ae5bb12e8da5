import { type Probe, probes } from '../compile/probes.ts'
import type { ProbeContext } from '../compile/types.ts'
import { ofportOf } from '../ports/find.ts'
import type { PortsSnapshot } from '../ports/types.ts'
import { type ProbeNetwork, probeHost } from '../probe-port/address.ts'
import { PROBE_MAC, PROBE_UDP_PORT } from '../probe-port/types.ts'
import type { RealServer } from '../real-servers/types.ts'

/** What the real servers of this host need for their health checks. */
export interface CheckPlan {
  /** Something is probed, or will be once its VM runs: the probe port stays while a VM reboots. */
  readonly wanted: boolean
  /** Real servers that are attached and have a check. */
  readonly checked: readonly RealServer[]
  /** Probes by real server. */
  readonly probes: ReadonlyMap<string, Probe>
  /** Source addresses of checks besides the link-local one, by VM port. */
  readonly sources: Readonly<Record<string, readonly string[]>>
}

/** Returns the same plan for the same list of real servers. */
export function createCheckPlanner(network: ProbeNetwork): (realServers: readonly RealServer[]) => CheckPlan {
  let last: { readonly of: readonly RealServer[]; readonly plan: CheckPlan } | undefined
  return realServers => {
    if (last?.of !== realServers) last = { of: realServers, plan: planOf(realServers, network) }
    return last.plan
  }
}

function planOf(realServers: readonly RealServer[], network: ProbeNetwork): CheckPlan {
  let wanted = false
  const checked: RealServer[] = []
  const sources: Record<string, string[]> = {}
  for (const realServer of realServers) {
    const { check, attachment } = realServer
    if (check === undefined) continue
    wanted ||= check.type !== 'exec'
    if (attachment === undefined) continue
    checked.push(realServer)
    if (check.source === undefined) continue
    const mine = (sources[attachment.port] ??= [])
    if (!mine.includes(check.source)) mine.push(check.source)
  }
  return { wanted, checked, probes: probes(checked, network), sources }
}

/**
 * What the bridge must know about probes; undefined: nothing is probed, or the switch has not opened the probe port yet.
 *
 * @param name - the name of the probe port
 */
export function probeContext(
  { wanted, sources }: CheckPlan,
  network: ProbeNetwork,
  name: string,
  ports: PortsSnapshot,
): ProbeContext | undefined {
  const ofport = ofportOf(ports, name)
  if (!wanted || ofport === undefined) return undefined
  return { network, sources, port: { ofport, mac: PROBE_MAC, address: probeHost(network), udpPort: PROBE_UDP_PORT } }
}
