import type { RealServerReport } from '../../shared/rpc/real-server.ts'
import type { HostDelta, HostReport } from '../intake/types.ts'
import type { Host, Registry } from './types.ts'

/**
 * These functions are pure: each returns the registry after an event. `now` and leases are milliseconds of one monotonic clock.
 */
export function emptyRegistry(): Registry {
  return { hosts: new Map(), nextSeq: 1, revision: 0 }
}

/**
 * The registry after a restart of the director. Hosts that were alive stay alive for one whole lease from now, in which their
 * agents come back, so a restart changes nothing.
 */
export function restoreRegistry(
  saved: readonly Omit<Host, 'leaseExpiresAt'>[],
  now: number,
  leaseMs: number,
): Registry {
  const hosts = new Map(saved.map(host => [host.hostId, { ...host, leaseExpiresAt: now + leaseMs }]))
  return { hosts, nextSeq: Math.max(0, ...saved.map(host => host.seq)) + 1, revision: 0 }
}

/** Replaces everything that is known about one host. The host keeps its place in the order of claims. */
export function register(registry: Registry, report: HostReport, now: number, leaseMs: number): Registry {
  const known = registry.hosts.get(report.hostId)
  const seq = known?.seq ?? registry.nextSeq
  const realServers = known === undefined ? report.realServers : sameAgain(known.realServers, report.realServers)
  const host: Host = { ...report, realServers, seq, state: 'alive', leaseExpiresAt: now + leaseMs }
  return {
    hosts: new Map(registry.hosts).set(report.hostId, host),
    nextSeq: known ? registry.nextSeq : seq + 1,
    revision: registry.revision + 1,
  }
}

/** Keeps equal real servers as the same objects, so that an agent that only reconnects costs nothing. */
function sameAgain(before: HostReport['realServers'], now: HostReport['realServers']): HostReport['realServers'] {
  let changed = before.size !== now.size
  const next = new Map<string, RealServerReport>()
  for (const [id, rs] of now) {
    const known = before.get(id)
    const same = known !== undefined && JSON.stringify(known) === JSON.stringify(rs)
    next.set(id, same ? known : rs)
    if (!same) changed = true
  }
  return changed ? next : before
}

/**
 * Applies a host's changes since its last message. A delta of an unknown host changes nothing: that host has to register first.
 */
export function applyDelta(registry: Registry, hostId: string, delta: HostDelta): Registry {
  const host = registry.hosts.get(hostId)
  if (host === undefined) return registry
  const realServers = new Map(host.realServers)
  const { refusedDocuments = host.refusedDocuments } = delta
  for (const id of delta.removedIds) realServers.delete(id)
  for (const rs of delta.upserted) realServers.set(rs.id, rs)
  const hosts = new Map(registry.hosts).set(hostId, {
    ...host,
    realServers,
    ...(refusedDocuments === undefined ? {} : { refusedDocuments }),
  })
  return { ...registry, hosts, revision: registry.revision + 1 }
}

/** Renews a host's lease after any message from its agent, and brings a lost host back. */
export function renew(registry: Registry, hostId: string, now: number, leaseMs: number): Registry {
  const host = registry.hosts.get(hostId)
  if (host === undefined) return registry
  const renewed: Host = { ...host, state: 'alive', leaseExpiresAt: now + leaseMs }
  const revision = registry.revision + Number(host.state === 'lost')
  return { ...registry, hosts: new Map(registry.hosts).set(hostId, renewed), revision }
}

/** A host that was revoked: nothing is known of it any more. Returns the same object when nothing was. */
export function forget(registry: Registry, hostId: string): Registry {
  if (!registry.hosts.has(hostId)) return registry
  const hosts = new Map(registry.hosts)
  hosts.delete(hostId)
  return { ...registry, hosts, revision: registry.revision + 1 }
}

/** Milliseconds (one day) after which a lost host is removed: no connection to it is left by then. */
const FORGET_MS = 24 * 3600 * 1000

/** Marks hosts as lost whose lease has ended, and removes lost hosts in time. Returns the same object when nothing changes. */
export function expire(registry: Registry, now: number): Registry {
  const due = [...registry.hosts.values()].filter(host => deadline(host) <= now)
  if (due.length === 0) return registry
  const hosts = new Map(registry.hosts)
  for (const host of due) {
    if (host.leaseExpiresAt + FORGET_MS <= now) hosts.delete(host.hostId)
    else hosts.set(host.hostId, { ...host, state: 'lost' })
  }
  return { ...registry, hosts, revision: registry.revision + 1 }
}

/** Prolongs all live hosts by a whole lease from now, as after a restart, when this process was unable to receive messages. */
export function excuse(registry: Registry, now: number, leaseMs: number): Registry {
  const renewed = ([id, host]: [string, Host]): [string, Host] => [
    id,
    host.state === 'alive' ? { ...host, leaseExpiresAt: now + leaseMs } : host,
  ]
  return { ...registry, hosts: new Map([...registry.hosts].map(renewed)) }
}

/** When `expire` has to be called next; undefined when there are no hosts. */
export function nextExpiry(registry: Registry): number | undefined {
  const deadlines = [...registry.hosts.values()].map(deadline)
  return deadlines.length === 0 ? undefined : Math.min(...deadlines)
}

function deadline({ state, leaseExpiresAt }: Host): number {
  return state === 'alive' ? leaseExpiresAt : leaseExpiresAt + FORGET_MS
}
