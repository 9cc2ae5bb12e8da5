import type { Stop } from '../../shared/run/lifecycle.ts'
import { keepTunnelPeers } from '../../shared/switch/tunnel-peers.ts'
import { intoTunnel } from '../compile/fabric.ts'
import type { House } from '../house.ts'
import { stopAll } from './stop-all.ts'

/** Makes this tunnel end known to the hosts of an overlay. */
export function tunnelPeers({ config, cells, outcomes, log, clock }: House): Stop {
  const peers = keepTunnelPeers({
    sw: cells.switch.get,
    clock,
    log,
    mac: () => cells.site.get()?.directorMac,
    actions: peer => {
      const site = cells.site.get()
      return site === undefined || site.fabric === 'l2' ? [] : intoTunnel(site.uplink, site.fabric, peer)
    },
  })
  const unplug = outcomes.plug({
    name: 'tunnel peers',
    take: ({ site }) => {
      if (site.fabric === 'l2') return
      const hosts = cells.registry.get().hosts.values()
      const all = [...hosts.map(host => host.hostIp), ...site.fabric.clientHosts]
      peers.set(all.filter(ip => ip !== config.hostIp))
    },
  })
  return stopAll(unplug, peers.close)
}
