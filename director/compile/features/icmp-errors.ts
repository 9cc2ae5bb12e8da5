import { encodeCookie } from '../../../shared/flows/cookie.ts'
import type { Flow } from '../../../shared/flows/types.ts'
import { familyOf } from '../../../shared/net/family.ts'
import { addressMatch, icmpMatch } from '../../../shared/net/match.ts'
import { PORT } from '../../../shared/openflow/types.ts'
import { origins } from '../fabric.ts'
import { FORWARDED, METER, PRIORITY, TABLE } from '../tables.ts'
import type { VipFeature } from '../types.ts'

/**
 * Sends ICMP errors about a packet of the VIP ("fragmentation needed", above all) to the director's process. Only the packet that
 * an error cites tells which connection, and so which real server, it belongs to. No flow can match on that;
 * director/packets/icmp-errors.ts reads it.
 */
export const icmpErrors: VipFeature = (site, vip, number) => {
  const family = familyOf(vip)
  return origins(site).flatMap(origin =>
    family.icmp.errors.map(type => ({
      table: TABLE.CLASSIFY,
      priority: PRIORITY.ANSWER,
      cookie: encodeCookie('director', 'vip-icmp-error', number),
      match: {
        ...origin,
        eth_dst: site.directorMac,
        ...addressMatch('dst', vip),
        ...icmpMatch(family, type),
        [FORWARDED]: 0,
      },
      actions: [
        { type: 'meter', meter: METER.icmpError },
        { type: 'output', port: PORT.CONTROLLER },
      ],
    })),
  )
}

/** After the connection table has found the connection of the cited packet: back to the process, with the connection's mark. */
export function icmpErrorOwner(): Flow {
  return {
    table: TABLE.ICMP_ERROR,
    priority: PRIORITY.UNKNOWN,
    cookie: encodeCookie('director', 'vip-icmp-error'),
    match: {},
    actions: [{ type: 'output', port: PORT.CONTROLLER }],
  }
}
