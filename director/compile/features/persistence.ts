import { encodeCookie, groupId } from '../../../shared/flows/cookie.ts'
import type { Flow } from '../../../shared/flows/types.ts'
import type { Action } from '../../../shared/openflow/types.ts'
import { CLIENT, MARK, PRIORITY, TABLE } from '../tables.ts'
import type { CompiledService, Feature, Target } from '../types.ts'
import { commitMark } from './mark.ts'
import { transport } from './transport.ts'

type Persistent = NonNullable<CompiledService['persistence']>

/** The port that every connection of a client is made to look like for the look-up. */
const ANY_PORT = 1

/**
 * A persistent client (ipvsadm(8), --persistent) is an entry in a conntrack zone of its own, whose timeout is that of the
 * persistence: under its masked address and one port, it has the mark of its real server. Only packets that begin a
 * connection come here; each of them renews the entry. A real server that takes no new connections loses its clients.
 */
export const persistence: Feature = (_site, service) => {
  const { persistence: persistent } = service
  if (persistent === undefined || service.shares.length === 0) return { flows: [] }
  return {
    flows: [
      ...service.targets.filter(target => target.newConnections).map(target => again(service, persistent, target)),
      first(service, persistent),
      chosen(service, persistent),
    ],
  }
}

/** Hides the client behind its masked address and asks for its mark. */
export function hideClient(service: CompiledService, { zone, mask }: Persistent): readonly Action[] {
  const port = `${service.protocol}_src` as const
  return [
    { type: 'set_field', field: MARK, value: 0 },
    { type: 'move', src: { field: 'ipv4_src' }, dst: { field: CLIENT.address } },
    { type: 'move', src: { field: port }, dst: { field: CLIENT.port, offset: 0, bits: 16 } },
    ...(mask === '255.255.255.255'
      ? []
      : [{ type: 'set_field', field: 'ipv4_src', value: `0.0.0.0/${inverted(mask)}` } as const]),
    { type: 'set_field', field: port, value: ANY_PORT },
    { type: 'ct', zone, table: TABLE.PERSISTENT },
  ]
}

function showClient(service: CompiledService): readonly Action[] {
  const port = `${service.protocol}_src` as const
  return [
    { type: 'move', src: { field: CLIENT.address }, dst: { field: 'ipv4_src' } },
    { type: 'move', src: { field: CLIENT.port, offset: 0, bits: 16 }, dst: { field: port } },
  ]
}

function again(service: CompiledService, { zone }: Persistent, { mark }: Target): Flow {
  return {
    table: TABLE.PERSISTENT,
    priority: PRIORITY.KNOWN,
    cookie: encodeCookie('director', 'persistence', mark),
    match: { ...transport(service), ct_zone: zone, ct_mark: mark, [MARK]: 0 },
    actions: [
      { type: 'set_field', field: MARK, value: mark },
      ...showClient(service),
      { type: 'resubmit', table: TABLE.COMMIT },
    ],
  }
}

function first(service: CompiledService, { zone }: Persistent): Flow {
  return {
    table: TABLE.PERSISTENT,
    priority: PRIORITY.UNKNOWN,
    cookie: encodeCookie('director', 'persistence', service.number),
    match: { ...transport(service), ct_zone: zone, [MARK]: 0 },
    actions: [{ type: 'group', group: groupId('director', service.number) }],
  }
}

/** Where the group's buckets lead to: the choice is kept for the client, then for the connection. */
function chosen(service: CompiledService, { zone }: Persistent): Flow {
  return {
    table: TABLE.PERSISTENT,
    priority: PRIORITY.BASE,
    cookie: encodeCookie('director', 'persistence', service.number),
    match: { ...transport(service), ct_zone: zone },
    actions: [commitMark(zone), ...showClient(service), { type: 'resubmit', table: TABLE.COMMIT }],
  }
}

function inverted(mask: string): string {
  return mask
    .split('.')
    .map(part => 255 - Number(part))
    .join('.')
}
