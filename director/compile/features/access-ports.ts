import { encodeCookie } from '../../../shared/flows/cookie.ts'
import type { Flow } from '../../../shared/flows/types.ts'
import { TABLE } from '../tables.ts'
import type { Site } from '../types.ts'

const UNTAGGED = 0
/** The bit of `vlan_vid` that marks a tag as present (OpenFlow 1.5.1, 7.2.3.8). */
const TAGGED = 0x1000

/**
 * Tags the requests of client VMs on access VLANs of this bridge. These requests leave by explicit output or go to the local
 * agent's rules, and both need the tag (ovs-vswitchd.conf.db(5), "VLAN Configuration").
 */
export function accessPorts(site: Site): readonly Flow[] {
  return site.accessPorts.map(({ ofport, tag }) => ({
    table: TABLE.TAG,
    priority: 100,
    cookie: encodeCookie('director', 'base', ofport),
    match: { in_port: ofport, vlan_vid: UNTAGGED },
    actions: [{ type: 'push_vlan' }, { type: 'set_field', field: 'vlan_vid', value: TAGGED | tag }],
  }))
}
