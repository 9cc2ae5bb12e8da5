import { encodeCookie } from '../../../shared/flows/cookie.ts'
import type { Flow } from '../../../shared/flows/types.ts'
import { familyOf } from '../../../shared/net/family.ts'
import { type Action, type Match, PORT } from '../../../shared/openflow/types.ts'
import { networksOf, portsByMac } from '../networks.ts'
import { popTag, pushTag, vlanOf } from '../parts.ts'
import { PRIORITY, TABLE } from '../tables.ts'
import type { HostContext, VmPort } from '../types.ts'
import { fromTunnel } from './overlay.ts'

/** One VIP in one layer-2 network of this host. */
export interface VipNetwork {
  readonly vip: string
  /** The VIP's number. */
  readonly number: number
  readonly tag: number | undefined
  readonly arp: 'answer' | 'drop'
  /** VLANs of this host in which the address belongs to somebody else; only on an untagged network. */
  readonly foreign: readonly number[]
}

/** Ports whose frames carry no tag until NORMAL adds it: those of the VIP's VLAN and of foreign VLANs. */
export function accessPorts({ tag, foreign }: VipNetwork, host: HostContext) {
  const networks = networksOf(host)
  const of = (vlan: number) => (networks.get(vlan) ?? []).map(port => port.ofport)
  return { own: tag === undefined ? [] : of(tag), foreign: foreign.flatMap(of) }
}

/** The port of a director that is a VM of this host, in the VIP's network. */
export function directorHere({ tag }: VipNetwork, host: HostContext): VmPort | undefined {
  const port = host.directorMac === undefined ? undefined : portsByMac(host).get(host.directorMac)
  return port?.tag === tag ? port : undefined
}

/**
 * Rule 3: a request for the VIP (ARP, ND), from any port, is answered with the director's MAC. The answer's frame has the host's
 * own source address, because eth_src=D would teach the fabric D on the wrong port. The request is dropped instead where the
 * service says so, and while no director is known. With `drop`, only requests from the fabric are dropped, where the director
 * hears them too; requests of local clients go on to the fabric, since the VM's own answer is never forwarded.
 *
 * A director's announcement of the VIP from the fabric goes to the host alone, so that NORMAL still learns where the director is.
 * VMs that hold the VIP would take it for a duplicate address.
 *
 * On an overlay a request from the tunnel is answered only when it comes from a client host, where client hosts are configured;
 * the answer goes back to that host.
 */
export function neighbourProxyFlows(network: VipNetwork, host: HostContext): Flow[] {
  const { vip, number, tag, arp } = network
  const { request, answer, announcement, about } = familyOf(vip).neighbours
  const cookie = encodeCookie('agent', 'arp-answer', number)
  const { hostMac, directorMac } = host
  const actions: Action[] =
    arp === 'drop' || directorMac === undefined ? [] : [...answer({ address: vip, mac: directorMac, ethSrc: hostMac })]
  const match = request(vip)
  const flow = (priority: number, narrowed: Match, does: readonly Action[]): Flow => {
    return { table: TABLE.classify, priority, cookie, match: narrowed, actions: does }
  }
  const announced = announcement(vip)
  const ports = accessPorts(network, host)
  const untagged = vlanOf(undefined)
  const access = ports.own.map(ofport =>
    flow(PRIORITY.neighbourProxyAccess, { in_port: ofport, vlan_vid: untagged, ...match }, actions),
  )
  const normal: Action = { type: 'output', port: PORT.NORMAL }
  if (host.overlay === undefined) {
    const { uplink } = host
    const vlan_vid = vlanOf(tag)
    const here = directorHere(network, host)
    const toDirector: Action[] = here === undefined ? [] : [...popTag(tag), { type: 'output', port: here.ofport }]
    const proxies =
      actions.length > 0 || uplink === undefined
        ? [flow(PRIORITY.neighbourProxy, { vlan_vid, ...match }, actions), ...access]
        : [flow(PRIORITY.neighbourProxy, { in_port: uplink, vlan_vid, ...match }, toDirector)]
    return [
      flow(PRIORITY.announced, { vlan_vid, ...announced }, [
        { type: 'set_field', field: 'eth_dst', value: hostMac },
        normal,
      ]),
      ...(here === undefined || uplink === undefined
        ? []
        : [
            flow(PRIORITY.announcedHere, { in_port: here.ofport, vlan_vid: untagged, ...announced }, [
              ...pushTag(tag),
              { type: 'output', port: uplink },
            ]),
          ]),
      ...ports.foreign.flatMap(ofport =>
        about(vip).map(asked =>
          flow(PRIORITY.neighbourForeign, { in_port: ofport, vlan_vid: untagged, ...asked }, [normal]),
        ),
      ),
      ...proxies,
    ]
  }
  const tunnel = fromTunnel(host.overlay)
  const back: Action[] =
    actions.length === 0 ? [] : [{ type: 'move', src: { field: 'tun_src' }, dst: { field: 'tun_dst' } }, ...actions]
  const { clientHosts } = host.overlay
  const senders: Match[] = clientHosts.length === 0 ? [{}] : clientHosts.map(tun_src => ({ tun_src }))
  return [
    flow(PRIORITY.announced, { ...tunnel, ...announced }, []),
    ...senders.map(sender => flow(PRIORITY.neighbourProxy, { ...tunnel, ...sender, ...match }, back)),
    ...(tag === undefined
      ? [flow(PRIORITY.neighbourProxy, { tun_id: 0, vlan_vid: vlanOf(tag), ...match }, actions)]
      : access),
  ]
}
