import { encodeCookie } from '../../../shared/flows/cookie.ts'
import type { Flow } from '../../../shared/flows/types.ts'
import type { Family } from '../../../shared/net/types.ts'
import type { Action, Match } from '../../../shared/openflow/types.ts'
import { FALSE_MAC, FORWARDED, PRIORITY, SIGNAL, TABLE, VLAN } from '../tables.ts'
import type { HostContext, VmPort } from '../types.ts'
import { directorMacs, macsOf } from './from-director.ts'

/*
 * These rules come before all others, for every VM port, whether the VM holds a VIP or not. They guard against two things:
 *  1. Tags that hide a packet from the other rules. A tag with VID 0 only carries a priority (IEEE 802.1Q, 6.9.1). It is removed,
 *     as NORMAL would remove it, and the frame goes through the table again. Of two tags, Open vSwitch shows only the outer one
 *     (ovs-vswitchd.conf.db(5), vlan-limit), and a bridge on the way may remove it. A frame with two tags is dropped.
 *  2. Hardware addresses that no VM has: those of the directors and of the host. From a frame with such a source, every bridge on
 *     the way would learn that the address is at the VM.
 */

/** EtherTypes of a second tag: 802.1Q and 802.1ad. */
const TAGS = [0x8100, 0x88a8]

const guard = (priority: number, object: number, match: Match, actions: readonly Action[]): Flow => ({
  table: TABLE.classify,
  priority,
  cookie: encodeCookie('agent', 'guard', object),
  match,
  actions,
})

/**
 * Matches only what the VM itself sends. Frames that the bridge sends on with the VM's port as their source may have the addresses
 * of the host or of a director: signals of the host, and requests that a director on this bridge has scheduled.
 */
const OWN = { [SIGNAL]: 0, [FORWARDED]: 0 }

/** Once per host. A conjunctive match of "any VM port" and "any of these addresses" needs ports + addresses flows. */
export function guardFlows(host: HostContext, families: readonly Family[]): Flow[] {
  const second: Action[] = [{ type: 'conjunction', id: FALSE_MAC, clause: 2, of: 2 }]
  return [
    guard(PRIORITY.falseMac, 0, { conj_id: FALSE_MAC }, []),
    ...falseMacs(host)
      .flatMap(mac => says(mac, families))
      .map(match => guard(PRIORITY.falseMac, 0, match, second)),
  ]
}

/** Once per VM port. A director that is a VM of this host may send from its own addresses, and from no other director's. */
export function guardPortFlows(port: VmPort, host: HostContext, families: readonly Family[]): Flow[] {
  const { ofport } = port
  const own = macsOf(port.mac, host)
  const macs = falseMacs(host)
  const from = { in_port: ofport, ...OWN }
  return [
    ...TAGS.map(eth_type =>
      guard(PRIORITY.doubleTag, ofport, { in_port: ofport, vlan_vid: `${VLAN.present}/${VLAN.present}`, eth_type }, []),
    ),
    guard(PRIORITY.priorityTag, ofport, { in_port: ofport, vlan_vid: VLAN.present }, [
      { type: 'pop_vlan' },
      { type: 'resubmit', table: TABLE.classify },
    ]),
    ...(macs.some(mac => own.has(mac))
      ? macs
          .filter(mac => !own.has(mac))
          .flatMap(mac => says(mac, families))
          .map(match => guard(PRIORITY.falseMac, ofport, { ...from, ...match }, []))
      : [guard(PRIORITY.falseMac, ofport, from, [{ type: 'conjunction', id: FALSE_MAC, clause: 1, of: 2 }])]),
  ]
}

/** Matches of all frames from which somebody would learn this address: by the frame's source, or by ARP or ND. */
function says(mac: string, families: readonly Family[]): Match[] {
  return [{ eth_src: mac }, ...families.flatMap(({ neighbours }) => neighbours.senderMac(mac))]
}

function falseMacs(host: HostContext): readonly string[] {
  return [...new Set([host.hostMac, ...directorMacs(host)])]
}
