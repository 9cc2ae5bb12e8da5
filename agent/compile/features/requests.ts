import { hideClient, noteClient, showClient } from '../../../shared/flows/client.ts'
import { encodeCookie } from '../../../shared/flows/cookie.ts'
import type { Flow } from '../../../shared/flows/types.ts'
import { familyOf } from '../../../shared/net/family.ts'
import { addressMatch, over } from '../../../shared/net/match.ts'
import type { Action, Match } from '../../../shared/openflow/types.ts'
import type { Attachment, RealServer } from '../../real-servers/types.ts'
import { popTag, portField, vlanOf } from '../parts.ts'
import { CLIENT_ZONE, FROM_DIRECTOR, FROM_DIRECTOR_BIT, PRIORITY, REAL_SERVER, TABLE, TCP_FLAGS } from '../tables.ts'
import type { HostContext } from '../types.ts'
import { origins } from './overlay.ts'

/**
 * Rule 1: what the director sent to this host for one real server goes to its VM, with the VM's MAC and port. Only what comes
 * from `clients`: the director may know of none, or of wider ones, where this host has a file of its own.
 */
export function requestFlows(realServer: RealServer, at: Attachment, host: HostContext): Flow[] {
  const flow = (way: Match, priority: number, match: Match, actions: readonly Action[]): Flow => ({
    table: TABLE.classify,
    priority,
    cookie: encodeCookie('agent', 'request', realServer.id),
    match: {
      ...way,
      [FROM_DIRECTOR]: FROM_DIRECTOR_BIT,
      vlan_vid: vlanOf(at.tag),
      eth_dst: host.hostMac,
      ...over(familyOf(realServer.vip), realServer.protocol),
      ...addressMatch('dst', realServer.vip),
      [portField(realServer.protocol, 'dst')]: realServer.ingressPort,
      ...match,
    },
    actions,
  })
  const ways = origins(host).flatMap(origin =>
    realServer.clients.map(clients => ({ ...origin, ...addressMatch('src', clients) })),
  )
  const known = [...remember(realServer, host), ...deliver(realServer, at)]
  const client = rememberClient(realServer, host)
  return ways.flatMap(way => [
    flow(way, PRIORITY.request, {}, known),
    ...(client.length === 0 ? [] : [flow(way, PRIORITY.client, { tcp_flags: TCP_FLAGS.syn }, [...client, ...known])]),
  ])
}

/** Actions that send a packet to the VM, which knows neither VLAN nor ingress port. */
export function deliver(realServer: RealServer, at: Attachment): Action[] {
  const actions: Action[] = popTag(at.tag)
  actions.push({ type: 'set_field', field: 'eth_dst', value: at.mac })
  if (realServer.ingressPort !== realServer.rsPort) {
    actions.push({ type: 'set_field', field: portField(realServer.protocol, 'dst'), value: realServer.rsPort })
  }
  actions.push({ type: 'output', port: at.ofport })
  return actions
}

/** Creates the entry by which this host recognises the connection when a director asks (features/recall.ts). */
export function remember({ protocol, id }: RealServer, { directors }: HostContext): Action[] {
  if (protocol !== 'tcp' || directors.length === 0) return []
  return [
    { type: 'set_field', field: REAL_SERVER, value: id },
    { type: 'resubmit', table: TABLE.remember },
  ]
}

/** Creates the entry of a persistent client, whose next connection may reach a director that does not know the client. */
function rememberClient(realServer: RealServer, { directors }: HostContext): readonly Action[] {
  const { vip, protocol, id, persistence } = realServer
  if (protocol !== 'tcp' || persistence === undefined || directors.length === 0) return []
  return [
    ...noteClient(familyOf(vip), protocol),
    ...hideClient(protocol, persistence.mask),
    { type: 'ct', commit: true, zone: CLIENT_ZONE, exec: [{ type: 'set_field', field: 'ct_mark', value: id }] },
    ...showClient(familyOf(vip), protocol),
  ]
}
