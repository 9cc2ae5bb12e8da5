import { compareTexts } from '../../shared/lists.ts'
import { claimOf, conflict, onHost } from './fleet.ts'
import type { Host, RealServer, Registry, RegistryProblem } from './types.ts'

/** How the fleet's real servers differ from the last update; a changed one is in both lists, as it was and as it is. */
export interface RosterChange {
  readonly gone: readonly RealServer[]
  readonly come: readonly RealServer[]
  readonly problems: readonly RegistryProblem[]
  /** True when hosts are left for the next update. */
  readonly more: boolean
}

export interface Roster {
  /** Takes new and changed hosts with up to `most` real servers together, but at least one host. */
  update(registry: Registry, most: number): RosterChange
}

interface Known {
  readonly host: Host
  /** Real servers by the agent's id. */
  readonly realServers: Map<string, RealServer>
}

interface Claim {
  readonly rs: RealServer
  readonly host: Host
}

/** The incremental form of fleet.ts, which defines the result: only changed hosts cost, in proportion to their real servers. */
export function createRoster(): Roster {
  const hosts = new Map<string, Known>()
  const claims = new Map<string, readonly Claim[]>()
  const conflicts = new Map<string, readonly RegistryProblem[]>()

  return {
    update: (registry, most) => {
      /** The holder before this update of every claim that was touched. */
      const touched = new Map<string, RealServer | undefined>()
      const touch = (key: string, change: (before: readonly Claim[]) => readonly Claim[]) => {
        const before = claims.get(key) ?? []
        if (!touched.has(key)) touched.set(key, before[0]?.rs)
        claims.set(key, change(before))
      }
      const retract = (rs: RealServer) => touch(claimOf(rs), before => before.filter(claim => claim.rs !== rs))
      const claim = (host: Host, rs: RealServer) =>
        touch(claimOf(rs), before =>
          before.length === 0 ? [{ rs, host }] : [...before, { rs, host }].sort(precedence),
        )

      for (const [hostId, { realServers }] of hosts) {
        if (registry.hosts.has(hostId)) continue
        for (const rs of realServers.values()) retract(rs)
        hosts.delete(hostId)
      }
      let taken = 0
      let more = false
      for (const host of registry.hosts.values()) {
        const before = hosts.get(host.hostId)
        if (before !== undefined && isSame(before.host, host)) continue
        if (taken > most) {
          more = true
          break
        }
        taken += host.realServers.size
        const moved = before === undefined || !isSame({ ...before.host, realServers: host.realServers }, host)
        const realServers = before?.realServers ?? new Map<string, RealServer>()
        for (const [id, rs] of realServers) {
          if (!moved && before?.host.realServers.get(id) === host.realServers.get(id)) continue
          retract(rs)
          realServers.delete(id)
        }
        for (const [id, report] of host.realServers) {
          if (realServers.has(id)) continue
          const rs = onHost(host, report)
          realServers.set(id, rs)
          claim(host, rs)
        }
        hosts.set(host.hostId, { host, realServers })
      }

      const gone: RealServer[] = []
      const come: RealServer[] = []
      for (const [key, before] of touched) {
        const [first, ...others] = claims.get(key)!
        if (first === undefined) claims.delete(key)
        if (others.length > 0)
          conflicts.set(
            key,
            others.map(({ rs }) => conflict(rs, first!.rs)),
          )
        else conflicts.delete(key)
        if (before === first?.rs) continue
        if (before !== undefined) gone.push(before)
        if (first !== undefined) come.push(first.rs)
      }
      return { gone, come, problems: [...conflicts.values()].flat(), more }
    },
  }
}

/** Equal as far as the fleet is concerned: a prolonged lease changes nothing. */
function isSame(a: Host, b: Host): boolean {
  return (
    a.realServers === b.realServers &&
    a.state === b.state &&
    a.hostMac === b.hostMac &&
    a.hostIp === b.hostIp &&
    a.seq === b.seq
  )
}

/** Order of claims, as in fleet.ts: live hosts first, then older ones; on one host by id. */
function precedence(a: Claim, b: Claim): number {
  return compareTexts(a.host.state, b.host.state) || a.host.seq - b.host.seq || compareTexts(a.rs.id, b.rs.id)
}
