import { encodeCookie } from '../../../shared/flows/cookie.ts'
import type { Flow } from '../../../shared/flows/types.ts'
import { PORT } from '../../../shared/openflow/types.ts'
import { ICMP_ERROR_TYPES } from '../../../shared/packet/icmp-error.ts'
import { ipNumber, vlanOf } from '../parts.ts'
import { ETH_TYPE, PRIORITY, TABLE } from '../tables.ts'
import type { HostContext } from '../types.ts'
import type { VipNetwork } from './arp-proxy.ts'
import { origins } from './overlay.ts'

/**
 * ICMP errors about a packet of the VIP, which the director has sent to this host. Whose they are tells the packet that
 * they cite, and its port has to be translated in there: agent/icmp-errors.ts does.
 */
export function icmpErrorFlows({ vip, tag }: VipNetwork, host: HostContext): Flow[] {
  return origins(host).flatMap(origin =>
    ICMP_ERROR_TYPES.map(icmp_type => ({
      table: TABLE.classify,
      priority: PRIORITY.icmpError,
      cookie: encodeCookie('agent', 'icmp-error', ipNumber(vip)),
      match: {
        ...origin,
        vlan_vid: vlanOf(tag),
        eth_dst: host.hostMac,
        eth_type: ETH_TYPE.ipv4,
        ip_proto: 1,
        ipv4_dst: vip,
        icmp_type,
      },
      actions: [{ type: 'output', port: PORT.CONTROLLER }],
    })),
  )
}
