import { encodeCookie } from '../../../shared/flows/cookie.ts'
import type { Flow } from '../../../shared/flows/types.ts'
import { ipNumber } from '../parts.ts'
import { CONJUNCTION, ETH_TYPE, PRIORITY, TABLE } from '../tables.ts'
import type { VmPort } from '../types.ts'

/*
 * Rule 5, second half: a VM that holds no real server of a VIP may neither send from it nor speak ARP for it.
 * "Any VM port" × "any VIP" as a conjunctive match: ports + VIPs flows instead of ports × VIPs.
 * A port that does hold the VIP has rules of higher priority (arp-shield.ts).
 */

/** The two flows that say what happens when both clauses match. */
export function spoofDropFlows(): Flow[] {
  return [
    spoofFlow({ conj_id: CONJUNCTION.ipSpoof, eth_type: ETH_TYPE.ipv4 }, 0, []),
    spoofFlow({ conj_id: CONJUNCTION.arpSpoof, eth_type: ETH_TYPE.arp }, 0, []),
  ]
}

export function spoofPortFlows(port: VmPort): Flow[] {
  return [
    spoofFlow({ in_port: port.ofport }, port.ofport, [
      { type: 'conjunction', id: CONJUNCTION.ipSpoof, clause: 1, of: 2 },
      { type: 'conjunction', id: CONJUNCTION.arpSpoof, clause: 1, of: 2 },
    ]),
  ]
}

export function spoofVipFlows(vip: string): Flow[] {
  const object = ipNumber(vip)
  return [
    spoofFlow({ eth_type: ETH_TYPE.ipv4, ipv4_src: vip }, object, [
      { type: 'conjunction', id: CONJUNCTION.ipSpoof, clause: 2, of: 2 },
    ]),
    spoofFlow({ eth_type: ETH_TYPE.arp, arp_spa: vip }, object, [
      { type: 'conjunction', id: CONJUNCTION.arpSpoof, clause: 2, of: 2 },
    ]),
  ]
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
