import { keepTunnelPort } from '../../shared/ovsdb/keep-tunnel-port.ts'
import type { Stop } from '../../shared/run/lifecycle.ts'
import type { House } from '../house.ts'
import { tunnelState } from '../overlay.ts'

/** Creates this host's tunnel port on an overlay. It starts after the ports, whose OVSDB connection it uses. */
export function tunnelPort({ config, overlay, cells, log, clock }: House): Stop | undefined {
  const client = cells.ovsdb.get()
  if (overlay === undefined || client === undefined) return undefined
  const { tunnel: name, encapsulation: type, hostIp: localIp } = overlay
  const { ports, tunnel } = cells.inputs
  const keeper = keepTunnelPort({
    client,
    port: { bridge: config.bridge, name, type, localIp },
    log,
    clock,
    onChange: () => tunnel.set(tunnelState(overlay, keeper.problem)),
  })
  cells.tunnelPort.set(keeper)
  const stop = ports.subscribe(() => {
    keeper.check()
    tunnel.set(tunnelState(overlay, keeper.problem))
  })
  return () => {
    stop()
    keeper.close()
  }
}
