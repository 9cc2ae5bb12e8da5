import { encodeCookie } from '../../../shared/flows/cookie.ts'
import { addressMatch } from '../../../shared/net/match.ts'
import { PORT } from '../../../shared/openflow/types.ts'
import { origins } from '../fabric.ts'
import { FORWARDED, PRIORITY, TABLE } from '../tables.ts'
import type { VipFeature } from '../types.ts'
import { transport } from './transport.ts'

/**
 * Leaves packets to D for the VIP that belong to no service to the bridge's own forwarding, and past the agent's rules. Where D
 * is the host's own hardware address, the rules of an agent on this bridge (to H, for VIP and ingress port) would take such a
 * packet for a scheduled request: a client outside of `clients`, or one that knows the real server's port, would get through.
 */
export const noRequest: VipFeature = (site, vip, number) => {
  if (!site.ownMacs.includes(site.directorMac)) return []
  return origins(site).flatMap(origin =>
    (['tcp', 'udp'] as const).map(protocol => ({
      table: TABLE.CLASSIFY,
      priority: PRIORITY.NO_REQUEST,
      cookie: encodeCookie('director', 'no-request', number),
      match: {
        ...origin,
        eth_dst: site.directorMac,
        ...transport({ vip, protocol }),
        ...addressMatch('dst', vip),
        [FORWARDED]: 0,
      },
      actions: [{ type: 'output', port: PORT.NORMAL }],
    })),
  )
}
