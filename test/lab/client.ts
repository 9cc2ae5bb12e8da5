import { connect, plug } from './fabric.ts'
import type { Place } from './place.ts'
import type { ClientPlan, GatewayPlan, LabPlan } from './plan.ts'

/** Plugs a client in: into the fabric, on an overlay into its host's bridge, or behind a router that is plugged in there. */
export async function startClient(at: (name: string) => Place, client: ClientPlan, plan: LabPlan): Promise<void> {
  const place = at(client.name)
  const { gateway } = client
  if (gateway !== undefined) await startGateway(at(gateway.name), place, client, gateway)
  const [edge, mac] = gateway === undefined ? [place, client.mac] : [at(gateway.name), gateway.mac]
  const address = gateway === undefined ? client.ip : gateway.ip
  // On an overlay joinOverlay plugs eth0 into the host's bridge once the bridge exists.
  if (plan.overlay !== undefined) return
  const vlan = plan.clientVlan === undefined ? {} : { vlan: plan.clientVlan }
  await plug(at('fabric'), plan.vlans, edge, { dev: 'eth0', mac, ...vlan })
  await edge.exec(['ip', 'address', 'add', `${address}/24`, 'dev', 'eth0'])
}

/** Plugs a client, or the client's router, into the bridge of its host. */
export async function plugIntoHost(
  at: (name: string) => Place,
  host: Place,
  client: ClientPlan,
  mtu: number,
): Promise<void> {
  const edge = client.gateway ?? client
  const place = at(edge.name)
  await connect(host, edge.name, place, 'eth0', edge.mac)
  await place.exec(['ip', 'link', 'set', 'eth0', 'mtu', String(mtu)])
  await place.exec(['ip', 'address', 'add', `${edge.ip}/24`, 'dev', 'eth0'])
  await host.exec(['ovs-vsctl', 'add-port', 'br0', edge.name])
}

/** The router: eth0 on the virtual network, eth1 to the client. */
async function startGateway(router: Place, client: Place, plan: ClientPlan, gateway: GatewayPlan): Promise<void> {
  await connect(router, 'eth1', client, 'eth0', plan.mac)
  await router.exec(['ip', 'link', 'set', 'eth1', 'mtu', String(gateway.mtu)])
  await router.exec(['ip', 'address', 'add', `${gateway.linkIp}/24`, 'dev', 'eth1'])
  await router.exec(['sysctl', '-qw', 'net.ipv4.ip_forward=1'])
  await client.exec(['ip', 'address', 'add', `${plan.ip}/24`, 'dev', 'eth0'])
  await client.exec(['ip', 'route', 'add', 'default', 'via', gateway.linkIp])
}
