import { encodeCookie } from '../../../shared/flows/cookie.ts'
import type { Flow } from '../../../shared/flows/types.ts'
import { addressMatch } from '../../../shared/net/match.ts'
import type { Match } from '../../../shared/openflow/types.ts'
import { origins } from '../fabric.ts'
import { ENTERED, MARK, PRIORITY, SIGNAL, TABLE, TAKEN } from '../tables.ts'
import type { CompiledService, Feature, Site, Target } from '../types.ts'
import { account } from './account.ts'
import { choose, isScheduled } from './choose.ts'
import { anew } from './ending.ts'
import { commitMark, hex } from './mark.ts'
import { refuse } from './reject.ts'
import { NO_SYN, SYN, SYN_ONLY } from './tcp-flags.ts'
import { transport } from './transport.ts'

/**
 * The connection table: a request looks up its connection's mark in conntrack. A packet with a mark goes on to FORWARD. For a new
 * connection a real server is chosen, by turns or by the select group, and its mark is committed. So a change of turns or group
 * moves no established connection. A packet of an unknown connection is recalled (features/recall.ts).
 */
export const connections: Feature = (site, service) => {
  const scheduled = isScheduled(service)
  return {
    flows: [
      ...service.clients.flatMap(client => origins(site).map(origin => dispatch(site, service, client, origin))),
      ...service.targets.flatMap(target => known(site, service, target, scheduled)),
      ...unknown(service),
      ...stale(service),
      ...(scheduled ? anew(service, choose(service)) : []),
      // A real server that takes no new connections may still have connections to recall.
      ...(service.targets.length > 0
        ? [...commit(service), ...broken(service), ...service.targets.flatMap(target => opened(site, service, target))]
        : []),
    ],
  }
}

function dispatch(site: Site, service: CompiledService, client: string, origin: Match): Flow {
  const { protocol, zone, vip, port } = service
  return {
    table: TABLE.CLASSIFY,
    priority: PRIORITY.REQUEST,
    cookie: encodeCookie('director', 'dispatch', service.number),
    match: {
      ...origin,
      ...transport(service),
      eth_dst: site.directorMac,
      ...addressMatch('dst', vip),
      [`${protocol}_dst`]: port,
      reg14: 0,
      ...addressMatch('src', client),
    },
    actions: [{ type: 'ct', zone, table: TABLE.ENDING }],
  }
}

/** A SYN with the mark of a real server that takes no new connections is scheduled anew, if another real server can be chosen. */
function known(site: Site, service: CompiledService, target: Target, scheduled: boolean): Flow[] {
  const match: Match = { ...transport(service), ct_zone: service.zone, ct_mark: `${hex(target.mark)}/0x7fffffff` }
  const flow: Flow = {
    table: TABLE.CONNECTION,
    priority: PRIORITY.KNOWN,
    cookie: encodeCookie('director', 'connection', service.number),
    match,
    actions: [
      ...account(site, service, target.mark, 'known'),
      { type: 'set_field', field: MARK, value: target.mark },
      { type: 'resubmit', table: TABLE.FORWARD },
    ],
  }
  if (target.newConnections || service.protocol !== 'tcp' || !scheduled) return [flow]
  return [
    flow,
    { ...flow, priority: PRIORITY.KNOWN + 1, match: { ...match, tcp_flags: SYN }, actions: choose(service) },
  ]
}

function unknown(service: CompiledService): Flow[] {
  const scheduled = isScheduled(service)
  const flow: Flow = {
    table: TABLE.CONNECTION,
    priority: PRIORITY.UNKNOWN,
    cookie: encodeCookie('director', scheduled ? 'schedule' : 'reject', service.number),
    match: { ...transport(service), ct_zone: service.zone },
    actions: scheduled ? choose(service) : refuse(service),
  }
  if (service.turns === undefined || service.protocol !== 'tcp') return [flow]
  return [
    { ...flow, priority: PRIORITY.UNKNOWN + 1, match: { ...flow.match, tcp_flags: SYN_ONLY } },
    stray(flow, service),
  ]
}

/**
 * A packet of a connection whose real server is gone must take no turn, and its FIN or RST would end the entry of the turns
 * (features/turn.ts). A real server that gets it without knowing the connection answers with RST (RFC 9293, 3.10.7.1).
 */
function stray(flow: Flow, { turns }: CompiledService): Flow {
  return {
    ...flow,
    cookie: encodeCookie('director', 'connection'),
    actions: [
      { type: 'set_field', field: MARK, value: turns?.order[0] ?? 0 },
      { type: 'resubmit', table: TABLE.FORWARD },
    ],
  }
}

/**
 * A packet of a connection whose real server is gone from its host. The real server may have moved with its VM, so the hosts are
 * asked (features/recall.ts), and no other real server gets the packet.
 */
function stale(service: CompiledService): Flow[] {
  const { protocol, zone, targets } = service
  if (protocol !== 'tcp' || targets.length === 0) return []
  return [
    {
      table: TABLE.CONNECTION,
      priority: PRIORITY.UNKNOWN + 1,
      cookie: encodeCookie('director', 'ask', service.number),
      match: { ...transport(service), ct_zone: zone, tcp_flags: NO_SYN },
      actions: [
        {
          type: 'ct',
          commit: true,
          zone,
          table: TABLE.CONNECTION,
          exec: [{ type: 'set_field', field: 'ct_mark', value: 0 }],
        },
      ],
    },
  ]
}

/**
 * Commits the mark and counts the packet, so that the director knows which services have new connections
 * (director/balance/counters.ts). Then the switch looks up the entry again to find out whether it was made, and for which real
 * server. A SYN that has taken a turn skips this: only a full table could refuse it, and with turns each look-up makes one more
 * cached flow per connection.
 */
function commit(service: CompiledService): Flow[] {
  const { zone, protocol, vip, port } = service
  const flow: Flow = {
    table: TABLE.COMMIT,
    priority: PRIORITY.UNKNOWN,
    cookie: encodeCookie('director', 'commit-mark', service.number),
    match: { ...transport(service), ...addressMatch('dst', vip), [`${protocol}_dst`]: port },
    actions: [commitMark(zone, TABLE.ENTERED)],
  }
  if (protocol !== 'tcp') return [flow]
  return [
    flow,
    {
      ...flow,
      priority: PRIORITY.UNKNOWN + 1,
      match: { ...flow.match, [TAKEN]: 1, tcp_flags: SYN_ONLY },
      actions: [
        commitMark(zone),
        { type: 'move', src: { field: MARK }, dst: { field: ENTERED } },
        { type: 'resubmit', table: TABLE.OPENED },
      ],
    },
  ]
}

/** Counts new connections. A recalled connection is counted apart, because no real server will accept it again. */
function opened(site: Site, service: CompiledService, target: Target): Flow[] {
  const flow: Flow = {
    table: TABLE.OPENED,
    priority: PRIORITY.KNOWN,
    cookie: encodeCookie('director', 'opened', service.number),
    match: { ...transport(service), [ENTERED]: target.mark },
    actions: [...account(site, service, target.mark, 'opened'), { type: 'resubmit', table: TABLE.FORWARD }],
  }
  if (service.protocol !== 'tcp') return [flow]
  return [flow, { ...flow, priority: PRIORITY.KNOWN + 1, match: { ...flow.match, [SIGNAL]: 1 } }]
}

/**
 * Drops a SYN that conntrack calls invalid, by its checksum for example, because the real server would drop it too. It gets no
 * entry, and if it were counted it would look like a connection that was not accepted.
 */
function broken(service: CompiledService): Flow[] {
  if (service.protocol !== 'tcp') return []
  return [
    {
      table: TABLE.CONNECTION,
      priority: PRIORITY.KNOWN + 3,
      cookie: encodeCookie('director', 'connection'),
      match: {
        ...transport(service),
        ct_zone: service.zone,
        ct_mark: 0,
        ct_state: `${hex(CT_INVALID)}/${hex(CT_INVALID)}`,
        tcp_flags: SYN_ONLY,
      },
      actions: [],
    },
  ]
}

/** Bit of `ct_state` (ovs-fields(7)). */
const CT_INVALID = 0x10
