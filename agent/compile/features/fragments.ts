import { encodeCookie } from '../../../shared/flows/cookie.ts'
import type { Flow } from '../../../shared/flows/types.ts'
import { familyOf } from '../../../shared/net/family.ts'
import { addressMatch, over } from '../../../shared/net/match.ts'
import type { Match } from '../../../shared/openflow/types.ts'
import type { Attachment, RealServer } from '../../real-servers/types.ts'
import { PRIORITY, SOURCE_PORT, TABLE } from '../tables.ts'
import type { HostContext } from '../types.ts'
import { sendAsHost } from './as-host.ts'
import { replyFlows } from './replies.ts'

/**
 * Rewrites a UDP reply that is sent in fragments. Open vSwitch shows the flows ports of 0 in every fragment, even in the first
 * one, which has ports (ovs-fields(7), "Fragments"); actions do see them. So the first fragment's source port is copied to a
 * register, and the reply rules match on the register. The other fragments have no port to rewrite: `source` sends them on.
 *
 * @param number - of the VIP
 * @param realServers - the UDP real servers of one VIP and one VM port
 */
export function fragmentFlows(
  vip: string,
  number: number,
  realServers: readonly RealServer[],
  at: Attachment,
  host: HostContext,
): Flow[] {
  const cookie = encodeCookie('agent', 'fragment', number)
  const match: Match = { in_port: at.ofport, ...over(familyOf(vip), 'udp'), ...addressMatch('src', vip) }
  return [
    {
      table: TABLE.classify,
      priority: PRIORITY.reply,
      cookie,
      match: { ...match, ip_frag: 'first' },
      actions: [
        { type: 'move', src: { field: 'udp_src' }, dst: { field: SOURCE_PORT, offset: 0, bits: 16 } },
        { type: 'resubmit', table: TABLE.fragment },
      ],
    },
    ...realServers
      .flatMap(realServer => replyFlows(realServer, at, host))
      .map(({ match: { udp_src, ...rest }, ...flow }): Flow => {
        return { ...flow, table: TABLE.fragment, match: { ...rest, [SOURCE_PORT]: udp_src! } }
      }),
    {
      table: TABLE.fragment,
      priority: PRIORITY.otherFragment,
      cookie,
      match,
      actions: [{ type: 'set_field', field: 'eth_src', value: host.hostMac }, ...sendAsHost(host, at.tag)],
    },
  ]
}
