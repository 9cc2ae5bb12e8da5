import { encodeCookie, groupId } from '../../../shared/flows/cookie.ts'
import type { Bucket, Flow, Group } from '../../../shared/flows/types.ts'
import type { Match } from '../../../shared/openflow/types.ts'
import { origins } from '../fabric.ts'
import { MARK, PRIORITY, TABLE } from '../tables.ts'
import type { CompiledService, Feature, Site, Target } from '../types.ts'

const PROTOCOL = { tcp: 6, udp: 17 } as const
const TCP_SYN = '0x002/0x002'

/** `ip_proto` and what it needs, for a match on the service's packets. */
export function transport(service: CompiledService): Match {
  return { eth_type: 0x0800, ip_proto: PROTOCOL[service.protocol] }
}

/**
 * The connection table: a request asks conntrack for its connection's mark. A known mark goes on to FORWARD, an unknown
 * one is chosen by the select group and committed. So a change of the group moves no established connection.
 */
export const connections: Feature = (site, service) => {
  const scheduled = service.shares.length > 0
  return {
    flows: [
      ...service.clients.flatMap(client => origins(site).map(origin => dispatch(site, service, client, origin))),
      ...service.targets.flatMap(target => known(service, target, scheduled)),
      ...(scheduled ? [unknown(service), commit(service)] : []),
    ],
    groups: scheduled ? [group(service)] : [],
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
      ipv4_dst: vip,
      [`${protocol}_dst`]: port,
      reg14: 0,
      ...(client === '0.0.0.0/0' ? {} : { ipv4_src: client.replace(/\/32$/, '') }),
    },
    actions: [{ type: 'ct', zone, table: TABLE.CONNECTION }],
  }
}

/** A SYN for one that takes no new connections is left to the group, as long as there is another to choose. */
function known(service: CompiledService, target: Target, scheduled: boolean): Flow[] {
  const match = { ...transport(service), ct_zone: service.zone, ct_mark: target.mark }
  const flow: Flow = {
    table: TABLE.CONNECTION,
    priority: PRIORITY.KNOWN,
    cookie: encodeCookie('director', 'connection', target.mark),
    match,
    actions: [
      { type: 'set_field', field: MARK, value: target.mark },
      { type: 'resubmit', table: TABLE.FORWARD },
    ],
  }
  if (target.newConnections || service.protocol !== 'tcp' || !scheduled) return [flow]
  const anew: Flow = {
    ...flow,
    priority: PRIORITY.KNOWN + 1,
    match: { ...match, tcp_flags: TCP_SYN },
    actions: unknown(service).actions,
  }
  return [flow, anew]
}

function unknown(service: CompiledService): Flow {
  return {
    table: TABLE.CONNECTION,
    priority: PRIORITY.UNKNOWN,
    cookie: encodeCookie('director', 'schedule', service.number),
    match: { ...transport(service), ct_zone: service.zone },
    actions: [{ type: 'group', group: groupId('director', service.number) }],
  }
}

function commit(service: CompiledService): Flow {
  const { zone } = service
  return {
    table: TABLE.COMMIT,
    priority: PRIORITY.UNKNOWN,
    cookie: encodeCookie('director', 'commit-mark', service.number),
    match: { ...transport(service), ct_zone: zone },
    actions: [
      { type: 'ct', commit: true, zone, exec: [{ type: 'move', src: { field: MARK }, dst: { field: 'ct_mark' } }] },
      { type: 'resubmit', table: TABLE.FORWARD },
    ],
  }
}

/**
 * Open vSwitch gives a dp_hash group the next power of two of (total weight / least weight) slots, at least 16 and at
 * most 256, and hands them out in proportion. The weights here add up to 256, and one bucket of weight 1 makes that the
 * number of slots: each real server then has exactly its share. (Equal weights alone would share 16 slots among 10.)
 */
function group(service: CompiledService): Group {
  const buckets: Bucket[] = service.shares.map(({ mark, slots }) => bucket(mark, mark, slots))
  const least = service.shares.find(share => share.slots > 1)
  if (least !== undefined && !service.shares.some(share => share.slots === 1)) {
    const at = service.shares.indexOf(least)
    buckets[at] = bucket(least.mark, least.mark, least.slots - 1)
    buckets.push(bucket(SPLIT + least.mark, least.mark, 1))
  }
  return { id: groupId('director', service.number), type: 'select', selectionMethod: 'dp_hash', buckets }
}

/** Bucket ids of split-off slots lie above all marks (director/store/numbers.ts). */
const SPLIT = 0x0100_0000

function bucket(id: number, mark: number, weight: number): Bucket {
  const actions = [
    { type: 'set_field', field: MARK, value: mark },
    { type: 'resubmit', table: TABLE.COMMIT },
  ] as const
  return { id, weight, actions }
}
