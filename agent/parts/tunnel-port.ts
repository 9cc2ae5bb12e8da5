import { keepTunnelPort } from '../../shared/ovsdb/keep-tunnel-port.ts'
import type { Stop } from '../../shared/run/lifecycle.ts'
import type { House } from '../house.ts'
import { tunnelState } from '../overlay.ts'

/** Creates this host's tunnel port on an overlay. It starts after the ports, whose OVSDB connection it uses. */
export function tunnelPort({ config, overlay, cells, log, clock }: House): Stop | undefined {
  const client = cells.ovsdb.get()
  if (overlay === undefined || client === undefined) return undefined
  const { tunnel: name, encapsulation: type } = overlay
  const { ports, tunnel, hostIp } = cells.inputs
  const tell = () => tunnel.set(tunnelState(overlay, hostIp.get(), keeper.problem))
  const keeper = keepTunnelPort({
    client,
    port: { bridge: config.bridge, name, type },
    localIp: hostIp.get,
    log,
    clock,
    onChange: tell,
  })
  cells.tunnelPort.set(keeper)
  const look = () => {
    keeper.check()
    tell()
  }
  const stops = [ports.subscribe(look), hostIp.subscribe(look)]
  return () => {
    for (const stop of stops) stop()
    keeper.close()
  }
}
