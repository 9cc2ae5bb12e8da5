import { HIDDEN_PORT } from '../../../shared/flows/client.ts'
import { encodeCookie } from '../../../shared/flows/cookie.ts'
import type { Flow } from '../../../shared/flows/types.ts'
import { familyOf } from '../../../shared/net/family.ts'
import { addressMatch, over } from '../../../shared/net/match.ts'
import type { Family } from '../../../shared/net/types.ts'
import type { Action, Match } from '../../../shared/openflow/types.ts'
import type { Attachment, RealServer } from '../../real-servers/types.ts'
import { vlanOf } from '../parts.ts'
import { CLIENT_ZONE, CLOSED, HOST_ZONE, PRIORITY, REAL_SERVER, TABLE, TCP_FLAGS } from '../tables.ts'
import type { HostContext } from '../types.ts'
import { origins } from './overlay.ts'
import { deliver, remember } from './requests.ts'
import { closed, hex, tellDirector } from './signals.ts'

/** Real servers of one service on one host whose look-ups fit one message. Connections of further ones are not recalled. */
const MOST_REAL_SERVERS = 500

/**
 * Recall, once per virtual service. A director that does not know a connection asks the hosts about it: it sends the connection's
 * packet from R, with the VIP's port. Requests have left an entry in this host's conntrack under the ingress port, with the real
 * server's number as its mark, so the packet is looked up once for each of the service's real servers here. About a persistent
 * client the director asks with a SYN that carries the hidden client, as the client's entry does.
 *
 * @param realServers - attached TCP real servers of one VIP and port
 */
export function askFlows(realServers: readonly RealServer[], host: HostContext): Flow[] {
  const [{ vip, vipPort, attachment } = { vip: '', vipPort: 0, attachment: undefined }] = realServers
  const flow = (origin: Match, recallMac: string, zone: number, priority: number, match: Match): Flow => ({
    table: TABLE.classify,
    priority,
    cookie: encodeCookie('agent', 'recall', vipPort),
    match: {
      ...origin,
      vlan_vid: vlanOf(attachment?.tag),
      eth_src: recallMac,
      eth_dst: host.hostMac,
      ...over(familyOf(vip), 'tcp'),
      ...addressMatch('dst', vip),
      tcp_dst: vipPort,
      ...match,
    },
    actions: realServers.slice(0, MOST_REAL_SERVERS).map(({ ingressPort }) => ({
      type: 'clone',
      actions: [
        ...(ingressPort === vipPort ? [] : [{ type: 'set_field', field: 'tcp_dst', value: ingressPort } as const]),
        { type: 'ct', zone, table: TABLE.recall },
      ],
    })),
  })
  const persistent = realServers.some(({ persistence }) => persistence !== undefined)
  return host.directors.flatMap(({ recallMac }) =>
    origins(host).flatMap(origin => [
      flow(origin, recallMac, HOST_ZONE, PRIORITY.ask, { tcp_flags: TCP_FLAGS.noSyn }),
      ...(persistent
        ? [flow(origin, recallMac, CLIENT_ZONE, PRIORITY.ask, { tcp_src: HIDDEN_PORT, tcp_flags: TCP_FLAGS.syn })]
        : []),
    ]),
  )
}

/** Once a real server: a client's packet that belongs to a connection of it is delivered, and the director told whose it is. */
export function mineFlows(realServer: RealServer, at: Attachment, host: HostContext): Flow[] {
  if (realServer.protocol !== 'tcp' || host.directors.length === 0) return []
  const flow = (ct_zone: number, ct_mark: number | string, from: Match, actions: readonly Action[]): Flow => ({
    table: TABLE.recall,
    priority: PRIORITY.mine,
    cookie: encodeCookie('agent', 'recall', realServer.id),
    match: {
      ct_zone,
      ct_mark,
      vlan_vid: vlanOf(at.tag),
      ...over(familyOf(realServer.vip), 'tcp'),
      ...addressMatch('dst', realServer.vip),
      tcp_dst: realServer.ingressPort,
      ...from,
    },
    actions,
  })
  return [
    ...realServer.clients.map(clients =>
      flow(HOST_ZONE, `${realServer.id}/${hex(~CLOSED.byBoth)}`, addressMatch('src', clients), [
        tellDirector(host),
        ...remember(realServer, host),
        ...deliver(realServer, at),
      ]),
    ),
    // What is asked about a client is no packet of its own.
    ...(realServer.persistence === undefined ? [] : [flow(CLIENT_ZONE, realServer.id, {}, [tellDirector(host)])]),
  ]
}

/**
 * Once per host, for the address families of its VIPs: a request creates or refreshes its connection's entry. An entry that both
 * sides have ended is given up, because the client may use the port again and reach another real server.
 */
export function rememberFlows({ directors }: HostContext, families: readonly Family[]): Flow[] {
  if (directors.length === 0) return []
  const number: Action = {
    type: 'move',
    src: { field: REAL_SERVER, offset: 0, bits: 30 },
    dst: { field: 'ct_mark', offset: 0, bits: 30 },
  }
  const anew: Action = { type: 'move', src: { field: REAL_SERVER }, dst: { field: 'ct_mark' } }
  const flow = (priority: number, match: Match, exec: readonly Action[]): Flow => ({
    table: TABLE.remember,
    priority,
    cookie: encodeCookie('agent', 'recall'),
    match,
    actions: [{ type: 'ct', commit: true, zone: HOST_ZONE, exec }],
  })
  const ofFamily = (tcp: Match): Flow[] => [
    flow(PRIORITY.rememberFlag, { ...tcp, tcp_flags: TCP_FLAGS.syn }, [anew]),
    flow(PRIORITY.rememberFlag, { ...tcp, tcp_flags: TCP_FLAGS.finOnly }, [number, closed(CLOSED.byClient)]),
    flow(PRIORITY.rememberFlag, { ...tcp, tcp_flags: TCP_FLAGS.rst }, [number, closed(CLOSED.byBoth)]),
    flow(PRIORITY.remember, tcp, [number]),
  ]
  return [
    ...families.flatMap(family => ofFamily(over(family, 'tcp'))),
    {
      table: TABLE.recall,
      priority: PRIORITY.over,
      cookie: encodeCookie('agent', 'recall'),
      match: { ct_zone: HOST_ZONE, ct_mark: `${hex(CLOSED.byBoth)}/${hex(CLOSED.byBoth)}` },
      actions: [],
    },
  ]
}
