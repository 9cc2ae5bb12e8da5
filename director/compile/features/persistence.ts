import { HIDDEN_PORT, showClient } from '../../../shared/flows/client.ts'
import { encodeCookie } from '../../../shared/flows/cookie.ts'
import type { Flow } from '../../../shared/flows/types.ts'
import { familyOf } from '../../../shared/net/family.ts'
import { addressMatch } from '../../../shared/net/match.ts'
import { type Action, PORT } from '../../../shared/openflow/types.ts'
import { fromHost } from '../fabric.ts'
import { MARK, METER, PRIORITY, TABLE, WAITED } from '../tables.ts'
import type { CompiledService, Feature, Site, Target } from '../types.ts'
import { chooseNext, isScheduled } from './choose.ts'
import { commitMark } from './mark.ts'
import { copies } from './recall.ts'
import { SYN_ONLY } from './tcp-flags.ts'
import { transport } from './transport.ts'

type Persistent = NonNullable<CompiledService['persistence']>

/**
 * A persistent client (ipvsadm(8), --persistent) is an entry in a conntrack zone of its own, whose timeout is that of the
 * persistence. The entry has the client's masked address, one fixed port, and the mark of the client's real server. Only packets
 * that begin a connection come here; each renews the entry. A real server that takes no new connections loses its clients.
 *
 * Hosts keep such entries, too. After the table was lost, they are asked about clients without an entry for as long as theirs may
 * be valid. The client's SYN waits in the director's process meanwhile (director/packets/held-syns.ts).
 */
export const persistence: Feature = (site, service) => {
  const { persistence: persistent } = service
  if (persistent === undefined || !isScheduled(service)) return { flows: [] }
  return {
    flows: [
      ...service.targets.filter(target => target.newConnections).map(target => again(service, persistent, target)),
      first(service, persistent),
      chosen(service, persistent),
      ...(service.protocol === 'tcp' ? recalled(site, service, persistent) : []),
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
      ...showClient(familyOf(service.vip), service.protocol),
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

/** Keeps the group's choice for the client, and then for the connection. */
function chosen(service: CompiledService, { zone }: Persistent): Flow {
  return {
    table: TABLE.PERSISTENT,
    priority: PRIORITY.BASE,
    cookie: encodeCookie('director', 'persistence', service.number),
    match: { ...transport(service), ct_zone: zone },
    actions: [
      commitMark(zone),
      ...showClient(familyOf(service.vip), service.protocol),
      { type: 'resubmit', table: TABLE.COMMIT },
    ],
  }
}

function recalled(site: Site, service: CompiledService, { zone, recalled }: Persistent): Flow[] {
  if (!recalled) return []
  const cookie = encodeCookie('director', 'persistence', service.number)
  const unknown = { ...transport(service), ct_zone: zone, [MARK]: 0, tcp_flags: SYN_ONLY }
  const toProcess: Action = { type: 'output', port: PORT.CONTROLLER }
  return [
    {
      table: TABLE.PERSISTENT,
      priority: PRIORITY.UNKNOWN + 2,
      cookie,
      match: { ...unknown, [WAITED]: 1 },
      actions: chooseNext(service),
    },
    {
      table: TABLE.PERSISTENT,
      priority: PRIORITY.UNKNOWN + 1,
      cookie: encodeCookie('director', 'client', service.number),
      match: unknown,
      // The packet carries the hidden client, as the hosts' entries do.
      actions: [
        { type: 'meter', meter: METER.client },
        ...copies(site, service),
        ...showClient(familyOf(service.vip), service.protocol),
        toProcess,
      ],
    },
    ...service.targets.filter(target => target.newConnections).map(target => answered(site, service, zone, target)),
    {
      table: TABLE.CLIENT,
      priority: PRIORITY.UNKNOWN,
      cookie,
      match: { ...transport(service), ct_zone: zone, ct_mark: 0 },
      actions: [commitMark(zone)],
    },
  ]
}

function answered(site: Site, service: CompiledService, zone: number, target: Target): Flow {
  const { hostMac, ingressPort, mark } = target
  return {
    table: TABLE.CLASSIFY,
    priority: PRIORITY.FROM_HOST + 1,
    cookie: encodeCookie('director', 'client', service.number),
    match: {
      ...fromHost(site, target),
      eth_src: hostMac,
      eth_dst: site.recallMac,
      ...transport(service),
      ...addressMatch('dst', service.vip),
      tcp_src: HIDDEN_PORT,
      tcp_dst: ingressPort,
    },
    actions: [
      ...(ingressPort === service.port ? [] : [{ type: 'set_field', field: 'tcp_dst', value: service.port } as const]),
      { type: 'set_field', field: MARK, value: mark },
      { type: 'ct', zone, table: TABLE.CLIENT },
    ],
  }
}
