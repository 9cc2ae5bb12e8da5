import { encodeCookie } from '../../../shared/flows/cookie.ts'
import { familyOf } from '../../../shared/net/family.ts'
import { addressMatch, icmpMatch } from '../../../shared/net/match.ts'
import { PORT } from '../../../shared/openflow/types.ts'
import { goBack, origins } from '../fabric.ts'
import { PRIORITY, TABLE } from '../tables.ts'
import type { VipFeature } from '../types.ts'

/**
 * Answers echo requests to the VIP (RFC 792; RFC 1122, 3.2.2.6; RFC 4443, 4.2), so that `ping VIP` shows whether a director is
 * there.
 */
export const echo: VipFeature = (site, vip, number) => {
  const { directorMac } = site
  const family = familyOf(vip)
  const { fields, icmp } = family
  return origins(site).map(origin => ({
    table: TABLE.CLASSIFY,
    priority: PRIORITY.ANSWER,
    cookie: encodeCookie('director', 'vip-icmp', number),
    match: {
      ...origin,
      eth_dst: directorMac,
      ...addressMatch('dst', vip),
      ...icmpMatch(family, icmp.echo.request, 0),
    },
    actions: [
      ...goBack(site),
      { type: 'move', src: { field: 'eth_src' }, dst: { field: 'eth_dst' } },
      { type: 'set_field', field: 'eth_src', value: directorMac },
      { type: 'move', src: { field: fields.src }, dst: { field: fields.dst } },
      { type: 'set_field', field: fields.src, value: vip },
      { type: 'set_field', field: icmp.fields.type, value: icmp.echo.reply },
      { type: 'set_field', field: 'ip_ttl', value: 64 },
      { type: 'output', port: PORT.IN_PORT },
    ],
  }))
}
