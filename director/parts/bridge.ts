import { overlayOf } from '../../shared/config/overlay.ts'
import { keepTunnelPort } from '../../shared/ovsdb/keep-tunnel-port.ts'
import type { Stop } from '../../shared/run/lifecycle.ts'
import { setInput } from '../cells.ts'
import { recallMacOf } from '../compile/fabric.ts'
import type { Site } from '../compile/types.ts'
import type { DirectorConfig } from '../config.ts'
import type { House } from '../house.ts'
import { type BridgeView, watchBridge } from '../intake/bridge.ts'

/** Follows the bridge in the database and, on an overlay, keeps its tunnel port there. */
export function bridge(house: House): Stop {
  const { config, cells, companions, log, clock } = house
  const { ovsdbSocket: socket, bridge: name, uplink } = config
  const onChange = () => {
    cells.tunnel.get()?.check()
    look()
  }
  const look = () => {
    const trouble = cells.tunnel.get()?.problem
    cells.bridge.set(watch.view)
    cells.bridgeProblem.set(watch.problem)
    const problem = watch.problem?.message ?? trouble
    setInput(cells.inputStates.ovsdb, clock, problem === undefined ? 'in sync' : 'away', problem ?? name)
    setSite(house, trouble === undefined ? siteOf(config, watch.view) : undefined)
  }
  const watch = watchBridge({ socket, bridge: name, uplink, log, clock, onChange })
  cells.ovsdb.set(watch.client)
  const overlay = overlayOf(config)
  if (overlay === undefined) return () => watch.close()

  const port = { bridge: name, name: uplink, type: overlay.encapsulation }
  const localIp = () => config.hostIp
  const tunnel = keepTunnelPort({ client: watch.client, port, localIp, log, clock, onChange })
  cells.tunnel.set(tunnel)
  const stopResync = cells.resync.subscribe(() => tunnel.resume())
  const unplug = companions.plug({ name: 'tunnel port', withdraw: () => tunnel.remove() })
  return () => {
    unplug()
    stopResync()
    tunnel.close()
    watch.close()
  }
}

/** Sets the director's place. An equal place changes nothing, and an unknown one leaves the last in force. */
export function setSite({ cells: { site } }: Pick<House, 'cells'>, next: Site | undefined): void {
  if (next === undefined || JSON.stringify(next) === JSON.stringify(site.get())) return
  site.set(next)
}

/** The director's place in the network: from the configuration where it says, else from the bridge. */
function siteOf(config: DirectorConfig, view: BridgeView | undefined): Site | undefined {
  if (view?.mac === undefined || view.uplink === undefined) return undefined
  const directorMac = config.directorMac ?? view.mac
  return {
    directorMac,
    recallMac: recallMacOf(directorMac),
    uplink: view.uplink,
    ownMacs: [view.mac],
    accessPorts: view.accessPorts,
    fabric: overlayOf(config) ?? 'l2',
    accounting: config.accounting && view.datapathType === 'netdev',
  }
}
