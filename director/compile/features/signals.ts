import { encodeCookie } from '../../../shared/flows/cookie.ts'
import type { Flow } from '../../../shared/flows/types.ts'
import { addressMatch } from '../../../shared/net/match.ts'
import { fromHost } from '../fabric.ts'
import { MARK, PRIORITY, SIGNAL, TABLE } from '../tables.ts'
import type { Feature, Site } from '../types.ts'
import { transport } from './transport.ts'

/**
 * What a host tells of a connection, in frames to R. A signal is a copy of a reply's SYN-ACK, FIN or RST: the connection
 * table sees by it that the real server has accepted, and when either side has ended the connection. "Mine" is a packet
 * of the client's that the hosts were asked about (features/recall.ts). Of both, host and ingress port name the real server.
 */
export const signals: Feature = (site, service) => {
  const { protocol, zone, vip, port, targets } = service
  if (protocol !== 'tcp') return { flows: [] }
  const heard = (way: 'src' | 'dst', table: number) =>
    targets.map(({ hostMac, ingressPort, mark }): Flow => {
      const field = `tcp_${way}` as const
      return {
        table: TABLE.CLASSIFY,
        priority: PRIORITY.FROM_HOST,
        cookie: encodeCookie('director', 'from-host', service.number),
        match: {
          ...fromHost(site, hostMac),
          eth_src: hostMac,
          eth_dst: site.recallMac,
          ...transport(service),
          ...addressMatch(way, vip),
          [field]: ingressPort,
        },
        actions: [
          { type: 'set_field', field: SIGNAL, value: 1 },
          ...(ingressPort === port ? [] : [{ type: 'set_field', field, value: port } as const]),
          { type: 'set_field', field: MARK, value: mark },
          { type: 'ct', zone, table },
        ],
      }
    })
  return { flows: [...heard('src', TABLE.ENDING), ...heard('dst', TABLE.MINE)] }
}

/** What all services have together. */
export function signalBase(site: Site): readonly Flow[] {
  const cookie = encodeCookie('director', 'from-host')
  return [
    // A VM may send anything to R; only hosts are heard.
    {
      table: TABLE.CLASSIFY,
      priority: PRIORITY.FROM_NOBODY,
      cookie,
      match: { eth_dst: site.recallMac },
      actions: [],
    },
    { table: TABLE.ENDING, priority: PRIORITY.UNKNOWN, cookie, match: { [SIGNAL]: 1 }, actions: [] },
    { table: TABLE.FORWARD, priority: PRIORITY.KNOWN + 1, cookie, match: { [SIGNAL]: 1 }, actions: [] },
    // One that the table has by now is not counted once more.
    {
      table: TABLE.MINE,
      priority: PRIORITY.UNKNOWN,
      cookie,
      match: { ct_mark: 0 },
      actions: [
        { type: 'resubmit', table: TABLE.COMMIT },
        { type: 'resubmit', table: TABLE.TELL },
      ],
    },
  ]
}
