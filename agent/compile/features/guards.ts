import { encodeCookie } from '../../../shared/flows/cookie.ts'
import type { Flow } from '../../../shared/flows/types.ts'
import type { Family } from '../../../shared/net/types.ts'
import type { Action, Match } from '../../../shared/openflow/types.ts'
import { FALSE_MAC, FORWARDED, PRIORITY, SIGNAL, TABLE, VLAN } from '../tables.ts'
import type { HostContext, VmPort } from '../types.ts'
import { directorMacs, macsOf } from './from-director.ts'

/*
 * What every VM port is guarded against, whether the VM holds a VIP or not, and before any other rule:
 *  1. Tags behind which other rules would not see what is said. A tag of VID 0 only gives a priority (IEEE 802.1Q, 6.9.1):
 *     it comes off, as NORMAL would take it off, and the frame comes again. Of two tags Open vSwitch shows the outer one only
 *     (ovs-vswitchd.conf.db(5), vlan-limit), and a bridge on the way may take that off: such a frame is dropped.
 *  2. Hardware addresses that no VM has: those of the directors and of the host. By a frame from one of them every
 *     bridge on the way would learn that it is at the VM.
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
 * What a VM sends itself. What is sent on from its port, in answer to it, has the addresses of host and director, and
 * may pass: the host's word to a director, and what a director on this bridge has scheduled.
 */
const OWN = { [SIGNAL]: 0, [FORWARDED]: 0 }

/** Once a host: "any VM port" × "any of these addresses", ports + addresses flows. */
export function guardFlows(host: HostContext, families: readonly Family[]): Flow[] {
  const second: Action[] = [{ type: 'conjunction', id: FALSE_MAC, clause: 2, of: 2 }]
  return [
    guard(PRIORITY.falseMac, 0, { conj_id: FALSE_MAC }, []),
    ...falseMacs(host)
      .flatMap(mac => says(mac, families))
      .map(match => guard(PRIORITY.falseMac, 0, match, second)),
  ]
}

/** Once a VM port. A director that is a VM of this host has its own addresses, and no other's. */
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

/** All that makes somebody believe that this address is where a frame comes from. */
function says(mac: string, families: readonly Family[]): Match[] {
  return [{ eth_src: mac }, ...families.flatMap(({ neighbours }) => neighbours.senderMac(mac))]
}

function falseMacs(host: HostContext): readonly string[] {
  return [...new Set([host.hostMac, ...directorMacs(host)])]
}
