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
 * The end of a TCP connection: the first FIN or RST of either side, the client's own or the copy of a reply, sets ENDED in
 * the mark, so that it counts once, and the packets after it still go to the same real server. What the real server has
 * accepted is counted, too, and what it has reset apart from other ends: passive health (schedule/acceptance.ts).
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
  // A host speaks for its own real servers only: MARK is who has sent the reply.
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

/** The real server that the connection was given to has accepted it. */
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
 * Another one has: by way of another director the client's port was used again. What the table says is of the connection
 * before, and packets of the new one may come by here, too: hosts are asked whose they are, for a reply alone proves nothing.
 * But one that takes no new connections has been held up, and answers a SYN that was repeated to another since: nobody's
 * but an ended connection is asked about then.
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

/** A SYN of a connection that has been ended before: a new one, whatever its ports. */
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
