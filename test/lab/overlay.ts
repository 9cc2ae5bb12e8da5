import { plugIntoHost } from './client.ts'
import type { DaemonConfig } from './daemons.ts'
import { connect, plug } from './fabric.ts'
import type { Place } from './place.ts'
import type { HostPlan, LabPlan } from './plan.ts'

/** Name of the tunnel port on every br0. */
export const TUNNEL_PORT = 'tunnel0'

/** Keys of a daemon's configuration for the lab's overlay; empty on a segment. */
export function overlayConfig({ overlay, hosts, clients }: LabPlan, director?: HostPlan): DaemonConfig {
  if (overlay === undefined || director?.vmOn !== undefined) return {}
  const { encapsulation, networkKey } = overlay
  const clientHosts = hosts.filter(host => clients.some(client => client.host === host.name)).map(host => host.ip)
  const own = director === undefined ? {} : { hostIp: director.ip }
  return { fabric: 'overlay', uplink: TUNNEL_PORT, encapsulation, networkKey, clientHosts, ...own }
}

/** Hardware address of br-phy, which has the host's underlay address. */
export function underlayMac(host: HostPlan): string {
  return `06${host.mac.slice(2)}`
}

/**
 * A client's host does not run crossport: a network controller forwards there, replaced here by static flows that learn which MAC
 * is behind which tunnel end, and flood broadcasts and unknown destinations to all hosts.
 */
export async function joinOverlay(at: (name: string) => Place, host: HostPlan, plan: LabPlan): Promise<void> {
  const { overlay } = plan
  if (overlay === undefined || host.role !== 'client') return
  const place = at(host.name)
  const { encapsulation, networkKey: key, mtu } = overlay
  const options = ['options:remote_ip=flow', 'options:key=flow', `options:local_ip=${host.ip}`]
  const create = ['ovs-vsctl', 'add-port', 'br0', TUNNEL_PORT, '--', 'set', 'interface', TUNNEL_PORT]
  await place.exec([...create, `type=${encapsulation}`, ...options, 'ofport_request=1000'])
  for (const client of plan.clients) if (client.host === host.name) await plugIntoHost(at, place, client, mtu)
  const others = plan.hosts.filter(other => other !== host && other.vmOn === undefined)
  const learn = `learn(table=10,idle_timeout=300,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],load:NXM_NX_TUN_IPV4_SRC[]->NXM_NX_TUN_IPV4_DST[],load:${key}->NXM_NX_TUN_ID[],output:NXM_OF_IN_PORT[])`
  const copies = others.map(({ ip }) => `set_field:${ip}->tun_dst,output:1000`)
  const flows = [
    `table=0,priority=10,in_port=1000,tun_id=${key},actions=${learn},NORMAL`,
    'table=0,priority=0,actions=resubmit(,10)',
    `table=10,priority=0,actions=NORMAL,set_field:${key}->tun_id,${copies.join(',')}`,
  ]
  await place.exec(['ovs-ofctl', '-O', 'OpenFlow15', 'add-flows', 'br0', '-'], { input: flows.join('\n') })
}

/**
 * The userspace datapath drops the first packet to a tunnel end whose hardware address it does not know. crossport's hosts
 * prevent this themselves; here it is done in the network controller's place.
 */
export async function warmNeighbours(at: (name: string) => Place, { overlay, hosts }: LabPlan): Promise<void> {
  if (overlay === undefined) return
  const ends = hosts.filter(host => host.vmOn === undefined)
  await Promise.all(
    hosts.flatMap(host =>
      host.role === 'client'
        ? ends
            .filter(end => end !== host)
            .map(end => at(host.name).exec(['ovs-appctl', 'tnl/neigh/set', 'br-phy', end.ip, underlayMac(end)]))
        : [],
    ),
  )
}

/** A director in a VM: one interface on the virtual network, as the bridge's uplink, and one for management. */
export async function startDirectorVm(
  at: (name: string) => Place,
  host: HostPlan,
  plan: LabPlan,
  switchScript: string,
): Promise<void> {
  const place = at(host.name)
  const under = at(host.vmOn!)
  await connect(under, host.name, place, 'uplink0')
  await place.exec(['ip', 'link', 'set', 'uplink0', 'mtu', String(plan.overlay!.mtu)])
  await under.exec(['ovs-vsctl', 'add-port', 'br0', host.name])
  await plug(at('fabric'), plan.vlans, place, { dev: 'mgmt0' })
  await place.exec(['ip', 'address', 'add', `${host.ip}/24`, 'dev', 'mgmt0'])
  await place.exec(['sh', switchScript, 'uplink0', host.mac])
}
