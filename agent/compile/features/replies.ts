import { encodeCookie } from '../../../shared/flows/cookie.ts'
import type { Flow } from '../../../shared/flows/types.ts'
import { familyOf } from '../../../shared/net/family.ts'
import { addressMatch, over } from '../../../shared/net/match.ts'
import type { Action, Match } from '../../../shared/openflow/types.ts'
import type { Attachment, RealServer } from '../../real-servers/types.ts'
import { portField } from '../parts.ts'
import { PRIORITY, TABLE } from '../tables.ts'
import type { HostContext } from '../types.ts'
import { sendAsHost } from './as-host.ts'
import { signal } from './signals.ts'

/**
 * Rule 2: a real server's reply leaves with the VIP's port and the host's MAC, straight for the client. What it says to
 * anybody else stays here: where its port is the VIP's own, that would be an answer, too.
 */
export function replyFlows(realServer: RealServer, at: Attachment, host: HostContext): Flow[] {
  const source = portField(realServer.protocol, 'src')
  const family = familyOf(realServer.vip)
  const flow = (priority: number, to: Match, actions: readonly Action[]): Flow => ({
    table: TABLE.classify,
    priority,
    cookie: encodeCookie('agent', 'reply', realServer.id),
    match: {
      in_port: at.ofport,
      ...over(family, realServer.protocol),
      ...addressMatch('src', realServer.vip),
      ...to,
      [source]: realServer.rsPort,
    },
    actions,
  })
  const replies = realServer.clients.map(clients =>
    flow(PRIORITY.reply, addressMatch('dst', clients), [
      { type: 'set_field', field: source, value: realServer.vipPort },
      { type: 'set_field', field: 'eth_src', value: host.hostMac },
      ...sendAsHost(host, at.tag, signal(realServer, host)),
    ]),
  )
  return realServer.clients.includes(family.anyone) ? replies : [...replies, flow(PRIORITY.replyToStranger, {}, [])]
}
