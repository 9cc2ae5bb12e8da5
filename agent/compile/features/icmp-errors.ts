import { encodeCookie } from '../../../shared/flows/cookie.ts'
import type { Flow } from '../../../shared/flows/types.ts'
import { familyOf } from '../../../shared/net/family.ts'
import { addressMatch, icmpMatch } from '../../../shared/net/match.ts'
import { PORT } from '../../../shared/openflow/types.ts'
import { vlanOf } from '../parts.ts'
import { FROM_DIRECTOR, FROM_DIRECTOR_BIT, PRIORITY, TABLE } from '../tables.ts'
import type { HostContext } from '../types.ts'
import type { VipNetwork } from './neighbour-proxy.ts'
import { origins } from './overlay.ts'

/**
 * Sends ICMP errors about packets of the VIP, which the director has forwarded to this host, to the agent. The packet that an
 * error cites tells the real server, and the port in it has to be translated; agent/icmp-errors.ts does both.
 */
export function icmpErrorFlows({ vip, number, tag }: VipNetwork, host: HostContext): Flow[] {
  const family = familyOf(vip)
  return origins(host).flatMap(origin =>
    family.icmp.errors.map(type => ({
      table: TABLE.classify,
      priority: PRIORITY.icmpError,
      cookie: encodeCookie('agent', 'icmp-error', number),
      match: {
        ...origin,
        [FROM_DIRECTOR]: FROM_DIRECTOR_BIT,
        vlan_vid: vlanOf(tag),
        eth_dst: host.hostMac,
        ...addressMatch('dst', vip),
        ...icmpMatch(family, type),
      },
      actions: [{ type: 'output', port: PORT.CONTROLLER }],
    })),
  )
}
