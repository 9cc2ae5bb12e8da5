import { encodeCookie } from '../../../shared/flows/cookie.ts'
import type { Flow } from '../../../shared/flows/types.ts'
import { MARK, PRIORITY, TABLE } from '../tables.ts'
import type { CompiledService, Feature, Target } from '../types.ts'
import { chooseNext, isScheduled } from './choose.ts'
import { showClient } from './client.ts'
import { commitMark } from './mark.ts'
import { transport } from './transport.ts'

type Persistent = NonNullable<CompiledService['persistence']>

/**
 * A persistent client (ipvsadm(8), --persistent) is an entry in a conntrack zone of its own, whose timeout is that of the
 * persistence: under its masked address and one port, it has the mark of its real server. Only packets that begin a
 * connection come here; each of them renews the entry. A real server that takes no new connections loses its clients.
 */
export const persistence: Feature = (_site, service) => {
  const { persistence: persistent } = service
  if (persistent === undefined || !isScheduled(service)) return { flows: [] }
  return {
    flows: [
      ...service.targets.filter(target => target.newConnections).map(target => again(service, persistent, target)),
      first(service, persistent),
      chosen(service, persistent),
    ],
  }
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
    actions: chooseNext(service),
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
