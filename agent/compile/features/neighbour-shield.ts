import { type CookieKind, encodeCookie } from '../../../shared/flows/cookie.ts'
import type { Flow } from '../../../shared/flows/types.ts'
import { familyOf } from '../../../shared/net/family.ts'
import { addressMatch } from '../../../shared/net/match.ts'
import type { Match } from '../../../shared/openflow/types.ts'
import { PRIORITY, TABLE, VLAN } from '../tables.ts'
import type { HostContext, Shield } from '../types.ts'
import { sendAsHost } from './as-host.ts'

/**
 * Rules 4 and 5 for one VM that holds a VIP. Its ARP and ND messages about the VIP (answers, announcements, duplicate address
 * probes) are dropped. Its ordinary requests leave with the VM's own address as the sender. Any other packet from the VIP leaves
 * with the host's MAC.
 *
 * A request whose sender was replaced goes through table 0 again: this very bridge may have to answer it (for another VIP), and
 * another controller's pipeline must see it like any other request.
 *
 * The VM holds the VIP in the network of its port. With a tag of the guest's own it would claim the VIP in another one.
 *
 * @param number - of the VIP
 */
export function shieldFlows(shield: Shield, number: number, host: HostContext): Flow[] {
  const { vip, ofport, tag, ownAddress } = shield
  const family = familyOf(vip)
  const { unheard, requestFrom, requestAs, unheardAfter, claim } = family.neighbours
  const ownTag = { vlan_vid: `${VLAN.present}/${VLAN.present}` }
  const from = { eth_type: family.etherType, ...addressMatch('src', vip) }
  const flow = (kind: CookieKind, priority: number, match: Match, actions: Flow['actions']): Flow => ({
    table: TABLE.classify,
    priority,
    cookie: encodeCookie('agent', kind, number),
    match: { in_port: ofport, ...match },
    actions,
  })
  const asItself = requestAs(ownAddress)
  return [
    ...unheard(vip).map(match => flow('arp-shield', PRIORITY.neighbourSelf, match, [])),
    flow(
      'arp-shield',
      PRIORITY.neighbourSender,
      requestFrom(vip),
      asItself === undefined ? [] : [...asItself, { type: 'resubmit', table: TABLE.classify }],
    ),
    ...unheardAfter(vip).map(match => flow('arp-shield', PRIORITY.neighbourShield, match, [])),
    flow('source-mac', PRIORITY.source, from, [
      { type: 'set_field', field: 'eth_src', value: host.hostMac },
      ...sendAsHost(host, tag),
    ]),
    ...[from, claim(vip)].map(match => flow('anti-spoof', PRIORITY.shieldTagged, { ...ownTag, ...match }, [])),
  ]
}
