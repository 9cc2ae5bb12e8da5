import { encodeCookie } from '../../../shared/flows/cookie.ts'
import { familyOf } from '../../../shared/net/family.ts'
import { PORT } from '../../../shared/openflow/types.ts'
import { goBack, origins } from '../fabric.ts'
import { METER, PRIORITY, TABLE } from '../tables.ts'
import type { VipFeature } from '../types.ts'

/**
 * Answers neighbour requests for the VIP with D (RFC 826; RFC 4861): broadcast requests, unicast probes of a neighbour cache (RFC
 * 1122, 2.3.2.1), and duplicate address probes (RFC 5227, 2.1.1; RFC 4862, 5.4), because the address is taken. What the process
 * answers is metered, because anybody on the segment can ask.
 */
export const neighbours: VipFeature = (site, vip, number) => {
  const { request, answer } = familyOf(vip).neighbours
  const answers = answer({ address: vip, mac: site.directorMac, ethSrc: site.directorMac })
  const byProcess = answers.some(action => action.type === 'output' && action.port === PORT.CONTROLLER)
  return origins(site).map(origin => ({
    table: TABLE.CLASSIFY,
    priority: PRIORITY.ANSWER,
    cookie: encodeCookie('director', 'vip-arp', number),
    match: { ...origin, ...request(vip) },
    actions: [...(byProcess ? [{ type: 'meter', meter: METER.tell } as const] : []), ...goBack(site), ...answers],
  }))
}
