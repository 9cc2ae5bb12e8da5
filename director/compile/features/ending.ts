import { encodeCookie } from '../../../shared/flows/cookie.ts'
import type { Flow } from '../../../shared/flows/types.ts'
import type { Action, Match } from '../../../shared/openflow/types.ts'
import { ENDED, MARK, PRIORITY, SIGNAL, TABLE } from '../tables.ts'
import type { CompiledService, Feature, Site, Target } from '../types.ts'
import { account } from './account.ts'
import { hex } from './mark.ts'
import { FIN, RST, SYN_ACK, SYN_ONLY } from './tcp-flags.ts'
import { transport } from './transport.ts'

/**
 * Notes the end of a TCP connection. The first FIN or RST of either side (the client's own, or the copy of a reply) sets ENDED in
 * the mark. So the end counts once, and later packets still go to the same real server. It also counts connections that the real
 * server has accepted, and those that it has reset, for passive health (schedule/acceptance.ts).
 */
export const ending: Feature = (site, service) => ({
  flows:
    service.protocol === 'tcp' && service.targets.length > 0
      ? [
          ...service.targets.flatMap(target => [...ended(site, service, target), accepted(service, target)]),
          ...acceptedElsewhere(service),
        ]
      : [],
})

function ended(site: Site, service: CompiledService, target: Target): Flow[] {
  const { mark } = target
  // A host may speak only for its own real servers: MARK names the one that has sent the reply.
  const ends: Match[] = [FIN, RST].flatMap(tcp_flags => [
    { tcp_flags, [SIGNAL]: 0 },
    { tcp_flags, [SIGNAL]: 1, [MARK]: mark },
  ])
  return ends.map(end => ({
    table: TABLE.ENDING,
    priority: PRIORITY.KNOWN,
    cookie: encodeCookie('director', end.tcp_flags === RST && end[SIGNAL] === 1 ? 'reset' : 'ended', service.number),
    match: { ...transport(service), ct_zone: service.zone, ct_mark: mark, ...end },
    actions: [
      {
        type: 'ct',
        commit: true,
        zone: service.zone,
        exec: [{ type: 'set_field', field: 'ct_mark', value: mark + ENDED }],
      },
      ...account(site, service, mark, 'ended'),
      { type: 'set_field', field: MARK, value: mark },
      { type: 'resubmit', table: TABLE.FORWARD },
    ],
  }))
}

/** Counts a connection that its real server has accepted. */
function accepted(service: CompiledService, { mark }: Target): Flow {
  return {
    table: TABLE.ENDING,
    priority: PRIORITY.KNOWN,
    cookie: encodeCookie('director', 'accepted', service.number),
    match: {
      ...transport(service),
      ct_zone: service.zone,
      ct_mark: mark,
      [MARK]: mark,
      [SIGNAL]: 1,
      tcp_flags: SYN_ACK,
    },
    actions: [],
  }
}

/**
 * Handles a reply from another real server than the table's: the client's port was used again through another director. The table
 * describes the earlier connection, and packets of the new one may come here too. The hosts are asked whose these are, because a
 * reply alone proves nothing. But a real server that takes no new connections may only be late in answering a SYN that was since
 * repeated to another one, so then the hosts are asked only if the table's connection has ended.
 */
function acceptedElsewhere(service: CompiledService): Flow[] {
  const synAck = { ...transport(service), ct_zone: service.zone, [SIGNAL]: 1, tcp_flags: SYN_ACK }
  const flow = (priority: number, match: Match, actions: Action[]): Flow => ({
    table: TABLE.ENDING,
    priority,
    cookie: encodeCookie('director', 'from-host', service.number),
    match: { ...synAck, ...match },
    actions,
  })
  const heldUp = service.targets.filter(target => !target.newConnections)
  return [
    flow(PRIORITY.KNOWN - 2, {}, [
      { type: 'ct', commit: true, zone: service.zone, exec: [{ type: 'set_field', field: 'ct_mark', value: 0 }] },
    ]),
    ...heldUp.map(({ mark }) => flow(PRIORITY.KNOWN - 1, { [MARK]: mark, ct_mark: `0/${hex(ENDED)}` }, [])),
  ]
}

/** A SYN under the ports of an ended connection begins a new one. */
export function anew(service: CompiledService, choose: readonly Action[]): Flow[] {
  if (service.protocol !== 'tcp') return []
  return [
    {
      table: TABLE.CONNECTION,
      priority: PRIORITY.KNOWN + 2,
      cookie: encodeCookie('director', 'schedule', service.number),
      match: {
        ...transport(service),
        ct_zone: service.zone,
        ct_mark: `${hex(ENDED)}/${hex(ENDED)}`,
        tcp_flags: SYN_ONLY,
      },
      actions: choose,
    },
  ]
}
