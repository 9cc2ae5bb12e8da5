import { encodeCookie } from '../../../shared/flows/cookie.ts'
import type { Flow } from '../../../shared/flows/types.ts'
import { PORT } from '../../../shared/openflow/types.ts'
import { ICMP_ERROR_TYPES } from '../../../shared/packet/icmp-error.ts'
import { origins } from '../fabric.ts'
import { FORWARDED, PRIORITY, TABLE } from '../tables.ts'
import type { VipFeature } from '../types.ts'

/**
 * An ICMP error about a packet of the VIP ("fragmentation needed", above all) belongs to one connection of one real
 * server, which only the packet that it cites tells. No flow can look in there: director/packets/icmp-errors.ts does.
 */
export const icmpErrors: VipFeature = (site, vip) =>
  origins(site).flatMap(origin =>
    ICMP_ERROR_TYPES.map(icmp_type => ({
      table: TABLE.CLASSIFY,
      priority: PRIORITY.ANSWER,
      cookie: encodeCookie('director', 'vip-icmp-error'),
      match: {
        ...origin,
        eth_type: 0x0800,
        eth_dst: site.directorMac,
        ipv4_dst: vip,
        ip_proto: 1,
        icmp_type,
        [FORWARDED]: 0,
      },
      actions: [{ type: 'output', port: PORT.CONTROLLER }],
    })),
  )

/** Behind the connection table, which knows the connection that an error is about: back to the director, with its mark. */
export function icmpErrorOwner(): Flow {
  return {
    table: TABLE.ICMP_ERROR,
    priority: PRIORITY.UNKNOWN,
    cookie: encodeCookie('director', 'vip-icmp-error'),
    match: {},
    actions: [{ type: 'output', port: PORT.CONTROLLER }],
  }
}
