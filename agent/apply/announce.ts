import { familyOf } from '../../shared/net/family.ts'
import type { Action } from '../../shared/openflow/types.ts'
import { PORT } from '../../shared/openflow/types.ts'
import type { Switch } from '../../shared/switch/types.ts'
import { pushTag } from '../compile/parts.ts'
import type { HostContext, Shield } from '../compile/types.ts'

/**
 * Announces the VIPs with the director's new hardware address to this host's own clients: its VMs, and the host itself. They
 * cannot hear the director's announcement on the fabric, because features/neighbour-proxy.ts keeps it from the bridge. VMs that
 * hold a VIP are left out: they would take the announcement for a duplicate address.
 *
 * A director announces without a VLAN tag, so in a VLAN the agents announce to the fabric too. Their frames carry the host's own
 * source address, because a frame from D would teach the fabric D on the wrong port.
 */
export async function announceDirector(
  sw: Pick<Switch, 'packetOut'>,
  shields: readonly Shield[],
  host: HostContext,
  directorMac: string,
): Promise<void> {
  const networks = new Map<
    string,
    { readonly vip: string; readonly tag: number | undefined; readonly holders: Set<number> }
  >()
  for (const { vip, tag, ofport } of shields) {
    const name = `${vip}/${tag}`
    const network = networks.get(name) ?? { vip, tag, holders: new Set() }
    networks.set(name, network)
    network.holders.add(ofport)
  }
  for (const { vip, tag, holders } of networks.values()) {
    const listeners = host.vmPorts
      .filter(port => port.tag === tag && !holders.has(port.ofport))
      .map(port => port.ofport)
    if (tag === undefined) listeners.push(PORT.LOCAL)
    const actions = listeners.map((port): Action => ({ type: 'output', port }))
    const announce = (ethSrc: string) => familyOf(vip).neighbours.announce({ address: vip, mac: directorMac, ethSrc })
    if (actions.length > 0) await sw.packetOut({ actions, data: announce(directorMac) })
    if (tag === undefined || host.uplink === undefined || host.overlay !== undefined) continue
    const actionsOut: Action[] = [...pushTag(tag), { type: 'output', port: host.uplink }]
    await sw.packetOut({ actions: actionsOut, data: announce(host.hostMac) })
  }
}
