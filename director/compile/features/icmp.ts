import { encodeCookie } from '../../../shared/flows/cookie.ts'
import { PORT } from '../../../shared/openflow/types.ts'
import { goBack, origins } from '../fabric.ts'
import { PRIORITY, TABLE } from '../tables.ts'
import type { VipFeature } from '../types.ts'

/** Echo requests to the VIP are answered (RFC 792; RFC 1122, 3.2.2.6): `ping VIP` tells that a director is there. */
export const icmp: VipFeature = (site, vip) => {
  const { directorMac } = site
  return origins(site).map(origin => ({
    table: TABLE.CLASSIFY,
    priority: PRIORITY.ANSWER,
    cookie: encodeCookie('director', 'vip-icmp'),
    match: {
      ...origin,
      eth_type: 0x0800,
      eth_dst: directorMac,
      ipv4_dst: vip,
      ip_proto: 1,
      icmp_type: 8,
      icmp_code: 0,
    },
    actions: [
      ...goBack(site),
      { type: 'move', src: { field: 'eth_src' }, dst: { field: 'eth_dst' } },
      { type: 'set_field', field: 'eth_src', value: directorMac },
      { type: 'move', src: { field: 'ipv4_src' }, dst: { field: 'ipv4_dst' } },
      { type: 'set_field', field: 'ipv4_src', value: vip },
      { type: 'set_field', field: 'icmp_type', value: 0 },
      { type: 'set_field', field: 'ip_ttl', value: 64 },
      { type: 'output', port: PORT.IN_PORT },
    ],
  }))
}
