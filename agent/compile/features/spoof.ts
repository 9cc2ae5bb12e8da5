import { encodeCookie } from '../../../shared/flows/cookie.ts'
import type { Flow } from '../../../shared/flows/types.ts'
import { familyOf } from '../../../shared/net/family.ts'
import { addressMatch } from '../../../shared/net/match.ts'
import type { Family } from '../../../shared/net/types.ts'
import type { Action } from '../../../shared/openflow/types.ts'
import { networksOf } from '../networks.ts'
import { vlanOf } from '../parts.ts'
import { CONJUNCTION, PRIORITY, TABLE } from '../tables.ts'
import type { HostContext, VmPort } from '../types.ts'
import { isDirector } from './from-director.ts'

/*
 * Rule 5, second half: a VM without a real server of a VIP may neither send from the VIP nor speak ARP or ND for it. A
 * conjunctive match of "any VM port of a VLAN" and "any VIP in that VLAN" needs ports + VIPs flows instead of ports × VIPs. In
 * another VLAN the same address may belong to somebody else, who may use it. Where no VM of this host holds the VIP, its VLAN is
 * not known, and nobody may use it in any. A port that does hold the VIP has rules of higher priority (neighbour-shield.ts).
 */

/** VLANs that have VMs; undefined: untagged. A VIP is always in one of these. */
export function vlans(host: HostContext): (number | undefined)[] {
  return [...new Set([undefined, ...networksOf(host).keys()])]
}

/** The flows for a match of both clauses: two for each VLAN and address family. */
export function spoofDropFlows(host: HostContext, families: readonly Family[]): Flow[] {
  const drop = (id: number, tag: number | undefined, eth_type: number) =>
    spoofFlow({ conj_id: id + (tag ?? 0), eth_type }, 0, [])
  return vlans(host).flatMap(tag =>
    families.flatMap(({ name, etherType, neighbours }) => [
      drop(CONJUNCTION[name].ipSpoof, tag, etherType),
      drop(CONJUNCTION[name].neighbourSpoof, tag, neighbours.etherType),
    ]),
  )
}

/**
 * The clause of one VM port. A port without an access VLAN may carry tagged frames too. A director that is a VM of this host may
 * speak for VIPs.
 */
export function spoofPortFlows(port: VmPort, host: HostContext, families: readonly Family[]): Flow[] {
  if (isDirector(port.mac, host)) return []
  const { ofport, tag } = port
  const ids = families.flatMap(({ name }) => Object.values(CONJUNCTION[name]))
  if (tag !== undefined || host.overlay !== undefined)
    return [spoofFlow({ in_port: ofport }, ofport, clause(1, [tag], ids))]
  return vlans(host).map(vlan => spoofFlow({ in_port: ofport, vlan_vid: vlanOf(vlan) }, ofport, clause(1, [vlan], ids)))
}

/** `number`: of the VIP. */
export function spoofVipFlows(vip: string, number: number, tags: readonly (number | undefined)[]): Flow[] {
  const { name, etherType, neighbours } = familyOf(vip)
  const { ipSpoof, neighbourSpoof } = CONJUNCTION[name]
  return [
    spoofFlow({ eth_type: etherType, ...addressMatch('src', vip) }, number, clause(2, tags, [ipSpoof])),
    spoofFlow(neighbours.claim(vip), number, clause(2, tags, [neighbourSpoof])),
  ]
}

function clause(number: 1 | 2, tags: readonly (number | undefined)[], ids: readonly number[]): Action[] {
  return tags.flatMap(tag =>
    ids.map((id): Action => ({ type: 'conjunction', id: id + (tag ?? 0), clause: number, of: 2 })),
  )
}

function spoofFlow(match: Flow['match'], object: number, actions: Flow['actions']): Flow {
  return {
    table: TABLE.classify,
    priority: PRIORITY.spoof,
    cookie: encodeCookie('agent', 'anti-spoof', object),
    match,
    actions,
  }
}
