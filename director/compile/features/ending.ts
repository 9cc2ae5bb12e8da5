import { encodeCookie } from '../../../shared/flows/cookie.ts'
import type { Flow } from '../../../shared/flows/types.ts'
import type { Action, Match } from '../../../shared/openflow/types.ts'
import { ENDED, MARK, PRIORITY, SIGNAL, TABLE } from '../tables.ts'
import type { CompiledService, Feature, Site, Target } from '../types.ts'
import { account } from './account.ts'
import { hex } from './mark.ts'
import { transport } from './transport.ts'

const FIN = '0x001/0x001'
const RST = '0x004/0x004'
/** SYN and ACK without FIN and RST. */
const SYN_ACK = '0x012/0x017'
/** SYN without FIN, RST and ACK. */
export const SYN_ONLY = '0x002/0x017'

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
          acceptedElsewhere(service),
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
 * Another one has, after the connection was ended: by way of another director the client's port was used again. The hosts
 * are asked whose the next packet is. While the table's connection lives, another one's SYN-ACK says nothing: its VM was held
 * up, or it lies.
 */
function acceptedElsewhere(service: CompiledService): Flow {
  return {
    table: TABLE.ENDING,
    priority: PRIORITY.KNOWN - 1,
    cookie: encodeCookie('director', 'from-host', service.number),
    match: {
      ...transport(service),
      ct_zone: service.zone,
      ct_mark: `${hex(ENDED)}/${hex(ENDED)}`,
      [SIGNAL]: 1,
      tcp_flags: SYN_ACK,
    },
    actions: [
      { type: 'ct', commit: true, zone: service.zone, exec: [{ type: 'set_field', field: 'ct_mark', value: 0 }] },
    ],
  }
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
