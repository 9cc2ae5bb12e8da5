import { type CookieKind, encodeCookie } from '../../../shared/flows/cookie.ts'
import type { Flow } from '../../../shared/flows/types.ts'
import { familyOf, shortOf } from '../../../shared/net/family.ts'
import { addressMatch } from '../../../shared/net/match.ts'
import type { Match } from '../../../shared/openflow/types.ts'
import { PRIORITY, TABLE, VLAN } from '../tables.ts'
import type { HostContext, Shield } from '../types.ts'
import { sendAsHost } from './as-host.ts'

/**
 * Rules 4 and 5 for one VM that holds a VIP: what it says of the VIP by ARP or ND is never heard (answers, announcements,
 * duplicate address probes), ordinary requests go out with the VM's own address as sender, and whatever else it sends from
 * the VIP leaves with the host's MAC.
 *
 * A request that has got its sender goes through table 0 once more: what it asks for may be answered on this very
 * bridge (another VIP), and a stranger's pipeline is to see it like any other.
 *
 * It holds the VIP in the network of its port. With a tag of the guest's own it would say the same in another one.
 */
export function shieldFlows(shield: Shield, host: HostContext): Flow[] {
  const { vip, ofport, tag, ownAddress } = shield
  const family = familyOf(vip)
  const { unheard, requestFrom, requestAs, unheardAfter, claim } = family.neighbours
  const ownTag = { vlan_vid: `${VLAN.present}/${VLAN.present}` }
  const from = { eth_type: family.etherType, ...addressMatch('src', vip) }
  const flow = (kind: CookieKind, priority: number, match: Match, actions: Flow['actions']): Flow => ({
    table: TABLE.classify,
    priority,
    cookie: encodeCookie('agent', kind, shortOf(vip)),
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
