import { encodeCookie } from '../../../shared/flows/cookie.ts'
import type { Flow } from '../../../shared/flows/types.ts'
import { addressMatch } from '../../../shared/net/match.ts'
import { fromHost } from '../fabric.ts'
import { MARK, PRIORITY, SIGNAL, TABLE } from '../tables.ts'
import type { Feature, Site } from '../types.ts'
import { transport } from './transport.ts'

/**
 * Frames from hosts to R. A signal is a copy of a reply's SYN-ACK, FIN or RST: it shows the connection table that the real server
 * has accepted a connection, or that a side has ended it. "Mine" is a client's packet that the hosts were asked about
 * (features/recall.ts). In both, host and ingress port name the real server.
 */
export const signals: Feature = (site, service) => {
  const { protocol, zone, vip, port, targets } = service
  if (protocol !== 'tcp') return { flows: [] }
  const heard = (way: 'src' | 'dst', table: number) =>
    targets.map(({ hostMac, hostIp, ingressPort, mark }): Flow => {
      const field = `tcp_${way}` as const
      return {
        table: TABLE.CLASSIFY,
        priority: PRIORITY.FROM_HOST,
        cookie: encodeCookie('director', 'from-host', service.number),
        match: {
          ...fromHost(site, { hostMac, hostIp }),
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

/** Flows that all services share. */
export function signalBase(site: Site): readonly Flow[] {
  const cookie = encodeCookie('director', 'from-host')
  return [
    // A VM may send anything to R, so only hosts are accepted.
    {
      table: TABLE.CLASSIFY,
      priority: PRIORITY.FROM_NOBODY,
      cookie,
      match: { eth_dst: site.recallMac },
      actions: [],
    },
    { table: TABLE.ENDING, priority: PRIORITY.UNKNOWN, cookie, match: { [SIGNAL]: 1 }, actions: [] },
    { table: TABLE.FORWARD, priority: PRIORITY.KNOWN + 1, cookie, match: { [SIGNAL]: 1 }, actions: [] },
    // A connection that the table knows by now is not counted again.
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
