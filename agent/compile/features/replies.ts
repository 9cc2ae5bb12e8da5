import { encodeCookie } from '../../../shared/flows/cookie.ts'
import type { Flow } from '../../../shared/flows/types.ts'
import { familyOf } from '../../../shared/net/family.ts'
import { addressMatch, over } from '../../../shared/net/match.ts'
import type { Attachment, RealServer } from '../../real-servers/types.ts'
import { portField } from '../parts.ts'
import { PRIORITY, TABLE } from '../tables.ts'
import type { HostContext } from '../types.ts'
import { sendAsHost } from './as-host.ts'
import { signal } from './signals.ts'

/** Rule 2: a real server's reply leaves with the VIP's port and the host's MAC, straight for the client. */
export function replyFlows(realServer: RealServer, at: Attachment, host: HostContext): Flow[] {
  const source = portField(realServer.protocol, 'src')
  return realServer.clients.map(clients => ({
    table: TABLE.classify,
    priority: PRIORITY.reply,
    cookie: encodeCookie('agent', 'reply', realServer.id),
    match: {
      in_port: at.ofport,
      ...over(familyOf(realServer.vip), realServer.protocol),
      ...addressMatch('src', realServer.vip),
      ...addressMatch('dst', clients),
      [source]: realServer.rsPort,
    },
    actions: [
      { type: 'set_field', field: source, value: realServer.vipPort },
      { type: 'set_field', field: 'eth_src', value: host.hostMac },
      ...sendAsHost(host, at.tag, signal(realServer, host)),
    ],
  }))
}
