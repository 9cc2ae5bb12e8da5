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
 * The connection table: a request asks conntrack for its connection's mark. A known mark goes on to FORWARD; for a
 * connection that begins, one is chosen, by turns or by the select group, and committed. So whatever is changed there, no
 * established connection moves. What belongs to a connection that is not known is recalled (features/recall.ts).
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
      // A connection may be recalled of a real server that takes no new ones.
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

/** A SYN for one that takes no new connections is left to the group, as long as there is another to choose. */
function known(site: Site, service: CompiledService, target: Target, scheduled: boolean): Flow[] {
  const match: Match = { ...transport(service), ct_zone: service.zone, ct_mark: `${hex(target.mark)}/0x7fffffff` }
  const flow: Flow = {
    table: TABLE.CONNECTION,
    priority: PRIORITY.KNOWN,
    cookie: encodeCookie('director', 'connection', target.mark),
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
 * A packet of a connection whose real server is gone takes no turn, and an end of one would end the entry of the turns
 * (features/turn.ts). Whoever gets it without knowing it either answers with RST (RFC 9293, 3.10.7.1).
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
 * A packet of a connection whose real server is gone from its host. It may have moved with its VM, so the hosts are asked
 * (features/recall.ts); nobody else gets it.
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
 * Its packets tell the director which services have new connections (director/balance/counters.ts). Whether the connection
 * was entered, and for whom, the switch is asked once more. A SYN that has taken a turn goes on without that: only a full
 * table could refuse it, and by turns each round through the switch is a cached flow of its own for each connection.
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

/** One that was recalled is counted apart: no real server will accept it once more. */
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
 * A SYN that conntrack takes for broken, by its checksum, is none for a real server either. It gets no entry, and counted as
 * a connection it would look like one that the real server has not accepted.
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
