import type { Stop } from '../../shared/run/lifecycle.ts'
import { keepTunnelPeers } from '../../shared/switch/tunnel-peers.ts'
import { readInputs } from '../cells.ts'
import type { House } from '../house.ts'
import { greetings, peersOf } from '../overlay.ts'

/** Makes this host known to the other tunnel ends of an overlay. */
export function tunnelPeers({ config, overlay, cells, outlets, log, clock }: House): Stop | undefined {
  if (overlay === undefined) return undefined
  const { inputs } = cells
  const sw = () => inputs.switch.get().session
  const peers = keepTunnelPeers({ sw, clock, log, ...greetings(overlay, inputs, config.hostMac) })
  const stop = outlets.plug({
    name: 'tunnel peers',
    take: () => peers.set(peersOf(overlay, readInputs(inputs))),
  })
  return () => {
    stop()
    peers.close()
  }
}
