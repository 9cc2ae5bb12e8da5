import type { RealServerReport } from '../../shared/rpc/real-server.ts'
import type { Host, RealServer, Registry, RegistryProblem } from './types.ts'

/**
 * All real servers of the fleet in a stable order, without those whose claim cannot stand: host MAC and ingress port
 * of one VIP name exactly one real server, so of two that claim the same, the one of the elder host stays, and a host
 * that is alive (the same machine under a new name, say) goes before one that is lost.
 */
export function fleet(registry: Registry): {
  realServers: readonly RealServer[]
  problems: readonly RegistryProblem[]
} {
  const claims = new Map<string, RealServer>()
  const problems: RegistryProblem[] = []
  const hosts = [...registry.hosts.values()].sort((a, b) => compare(a.state, b.state) || a.seq - b.seq)
  for (const rs of hosts.flatMap(realServersOf)) {
    const key = claimOf(rs)
    const holder = claims.get(key)
    if (holder === undefined) claims.set(key, rs)
    else problems.push(conflict(rs, holder))
  }
  return { realServers: [...claims.values()].sort((a, b) => compare(a.id, b.id)), problems }
}

function realServersOf(host: Host): RealServer[] {
  return [...host.realServers.values()].sort((a, b) => compare(a.id, b.id)).map(rs => onHost(host, rs))
}

/** What a host reports, as one of the fleet's real servers. */
export function onHost({ hostId, hostMac, hostIp, state }: Host, rs: RealServerReport): RealServer {
  return { ...rs, id: `${hostId}/${rs.id}`, hostId, hostMac, hostIp, state: state === 'lost' ? 'lost' : rs.state }
}

/** What only one real server can have. */
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

/** Byte order, not the locale's: the same on every machine. */
export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
