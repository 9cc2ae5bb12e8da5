import { encodeCookie } from '../../../shared/flows/cookie.ts'
import type { Flow } from '../../../shared/flows/types.ts'
import { familyOf } from '../../../shared/net/family.ts'
import { addressMatch, icmpMatch } from '../../../shared/net/match.ts'
import { PORT } from '../../../shared/openflow/types.ts'
import { origins } from '../fabric.ts'
import { FORWARDED, PRIORITY, TABLE } from '../tables.ts'
import type { VipFeature } from '../types.ts'

/**
 * An ICMP error about a packet of the VIP ("fragmentation needed", above all) belongs to one connection of one real
 * server, which only the packet that it cites tells. No flow can look in there: director/packets/icmp-errors.ts does.
 */
export const icmpErrors: VipFeature = (site, vip) => {
  const family = familyOf(vip)
  return origins(site).flatMap(origin =>
    family.icmp.errors.map(type => ({
      table: TABLE.CLASSIFY,
      priority: PRIORITY.ANSWER,
      cookie: encodeCookie('director', 'vip-icmp-error'),
      match: {
        ...origin,
        eth_dst: site.directorMac,
        ...addressMatch('dst', vip),
        ...icmpMatch(family, type),
        [FORWARDED]: 0,
      },
      actions: [{ type: 'output', port: PORT.CONTROLLER }],
    })),
  )
}

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
