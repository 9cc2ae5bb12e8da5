import { encodeCookie } from '../../../shared/flows/cookie.ts'
import type { Flow } from '../../../shared/flows/types.ts'
import type { Action } from '../../../shared/openflow/types.ts'
import { networksOf } from '../networks.ts'
import { ipNumber, vlanOf } from '../parts.ts'
import { CONJUNCTION, ETH_TYPE, PRIORITY, TABLE } from '../tables.ts'
import type { HostContext, VmPort } from '../types.ts'

/*
 * Rule 5, second half: a VM that holds no real server of a VIP may neither send from it nor speak ARP for it.
 * "Any VM port of a VLAN" × "any VIP in that VLAN" as a conjunctive match: ports + VIPs flows instead of ports × VIPs.
 * In another VLAN the same address is another's, whose it may be. A port that does hold the VIP has rules of higher
 * priority (arp-shield.ts).
 */

/** VLANs that VMs are in; undefined: no tag. A VIP is only ever in one of these. */
function vlans(host: HostContext): (number | undefined)[] {
  return [...new Set([undefined, ...networksOf(host).keys()])]
}

/** What happens when both clauses match: two flows for each VLAN. */
export function spoofDropFlows(host: HostContext): Flow[] {
  return vlans(host).flatMap(tag => [
    spoofFlow({ conj_id: CONJUNCTION.ipSpoof + (tag ?? 0), eth_type: ETH_TYPE.ipv4 }, 0, []),
    spoofFlow({ conj_id: CONJUNCTION.arpSpoof + (tag ?? 0), eth_type: ETH_TYPE.arp }, 0, []),
  ])
}

/** A port without a VLAN of its own may carry tagged frames too. A director that is a VM here does speak for VIPs. */
export function spoofPortFlows(port: VmPort, host: HostContext): Flow[] {
  if (port.mac === host.directorMac) return []
  const { ofport, tag } = port
  if (tag !== undefined || host.overlay !== undefined) return [spoofFlow({ in_port: ofport }, ofport, clause(1, [tag]))]
  return vlans(host).map(vlan => spoofFlow({ in_port: ofport, vlan_vid: vlanOf(vlan) }, ofport, clause(1, [vlan])))
}

export function spoofVipFlows(vip: string, tags: readonly (number | undefined)[]): Flow[] {
  const object = ipNumber(vip)
  const [ip, arp] = [clause(2, tags, ['ipSpoof']), clause(2, tags, ['arpSpoof'])]
  return [
    spoofFlow({ eth_type: ETH_TYPE.ipv4, ipv4_src: vip }, object, ip),
    spoofFlow({ eth_type: ETH_TYPE.arp, arp_spa: vip }, object, arp),
  ]
}

function clause(
  number: 1 | 2,
  tags: readonly (number | undefined)[],
  kinds: readonly (keyof typeof CONJUNCTION)[] = ['ipSpoof', 'arpSpoof'],
): Action[] {
  return tags.flatMap(tag =>
    kinds.map((kind): Action => ({ type: 'conjunction', id: CONJUNCTION[kind] + (tag ?? 0), clause: number, of: 2 })),
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
