import { compareTexts } from '../../shared/lists.ts'
import type { RealServerReport } from '../../shared/rpc/real-server.ts'
import type { Host, RealServer, Registry, RegistryProblem } from './types.ts'

/**
 * All real servers of the fleet in a stable order, without those whose claim is refused. Host MAC and ingress port of one VIP
 * must name exactly one real server. Of two real servers that claim the same, the one on the older host stays; but a live host
 * goes before a lost one (the same machine under a new name, for example).
 */
export function fleet(registry: Registry): {
  realServers: readonly RealServer[]
  problems: readonly RegistryProblem[]
} {
  const claims = new Map<string, RealServer>()
  const problems: RegistryProblem[] = []
  const hosts = [...registry.hosts.values()].sort((a, b) => compareTexts(a.state, b.state) || a.seq - b.seq)
  for (const rs of hosts.flatMap(realServersOf)) {
    const key = claimOf(rs)
    const holder = claims.get(key)
    if (holder === undefined) claims.set(key, rs)
    else problems.push(conflict(rs, holder))
  }
  return { realServers: [...claims.values()].sort((a, b) => compareTexts(a.id, b.id)), problems }
}

function realServersOf(host: Host): RealServer[] {
  return [...host.realServers.values()].sort((a, b) => compareTexts(a.id, b.id)).map(rs => onHost(host, rs))
}

/** A host's report of a real server, as one of the fleet's real servers. */
export function onHost({ hostId, hostMac, hostIp, state }: Host, rs: RealServerReport): RealServer {
  return { ...rs, id: `${hostId}/${rs.id}`, hostId, hostMac, hostIp, state: state === 'lost' ? 'lost' : rs.state }
}

/** What only one real server can have: its host MAC, protocol, VIP and ingress port. */
export function claimOf(rs: RealServer): string {
  return `${rs.protocol} ${rs.vip} ${rs.hostMac} ${rs.ingressPort}`
}

export function conflict(rs: RealServer, holder: RealServer): RegistryProblem {
  const address = `${rs.hostMac} ${rs.protocol} ${rs.vip} ingress port ${rs.ingressPort}`
  return {
    subject: rs.id,
    service: rs.service,
    reason: `${address} belongs to ${holder.id} already, and requests for ${rs.id} could not be told from its; it is not scheduled`,
  }
}
