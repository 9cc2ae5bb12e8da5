import { encodeCookie } from '../../../shared/flows/cookie.ts'
import type { Flow } from '../../../shared/flows/types.ts'
import type { Attachment, Backend } from '../../backends/types.ts'
import { vlanOf } from '../parts.ts'
import { ETH_TYPE, HOST_ZONE, IP_PROTO, PRIORITY, TABLE, TCP_FLAGS } from '../tables.ts'
import type { HostContext } from '../types.ts'
import { origins } from './overlay.ts'
import { deliver } from './requests.ts'
import { tellDirector } from './signals.ts'

/**
 * Recall, once a virtual service: a director that does not know a connection sends its packet from R, with the VIP's port:
 * "is this yours?" Requests have left an entry in this host's conntrack under the ingress port, with the real server's
 * number as its mark, so the packet is looked up once for each of the service's real servers here.
 *
 * @param backends - those of one VIP and port that are TCP and attached
 */
export function askFlows(backends: readonly Backend[], host: HostContext): Flow[] {
  const [{ vip, vipPort, attachment } = { vip: '', vipPort: 0, attachment: undefined }] = backends
  return host.directors.flatMap(({ recallMac }) =>
    origins(host).map(origin => ({
      table: TABLE.classify,
      priority: PRIORITY.ask,
      cookie: encodeCookie('agent', 'recall', vipPort),
      match: {
        ...origin,
        vlan_vid: vlanOf(attachment?.tag),
        eth_src: recallMac,
        eth_dst: host.hostMac,
        eth_type: ETH_TYPE.ipv4,
        ip_proto: IP_PROTO.tcp,
        ipv4_dst: vip,
        tcp_dst: vipPort,
        tcp_flags: TCP_FLAGS.noSyn,
      },
      actions: backends.map(({ ingressPort }) => ({
        type: 'clone',
        actions: [
          ...(ingressPort === vipPort ? [] : [{ type: 'set_field', field: 'tcp_dst', value: ingressPort } as const]),
          { type: 'ct', zone: HOST_ZONE, table: TABLE.recall },
        ],
      })),
    })),
  )
}

/** Once a real server: a packet that belongs to a connection of it is delivered, and the director told whose it is. */
export function mineFlows(backend: Backend, at: Attachment, host: HostContext): Flow[] {
  if (backend.protocol !== 'tcp' || host.directors.length === 0) return []
  return [
    {
      table: TABLE.recall,
      priority: PRIORITY.mine,
      cookie: encodeCookie('agent', 'recall', backend.id),
      match: {
        ct_zone: HOST_ZONE,
        ct_mark: backend.id,
        vlan_vid: vlanOf(at.tag),
        eth_type: ETH_TYPE.ipv4,
        ip_proto: IP_PROTO.tcp,
        ipv4_dst: backend.vip,
        tcp_dst: backend.ingressPort,
      },
      actions: [tellDirector(host), ...deliver(backend, at)],
    },
  ]
}
