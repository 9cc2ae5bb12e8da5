import type { Stop } from '../../shared/run/lifecycle.ts'
import type { House } from '../house.ts'
import { withoutTags } from '../overlay.ts'
import type { watchPorts } from '../ports/watch.ts'

/** The bridge's ports, from OVSDB. */
export function ports({ config, overlay, cells, log, clock }: House, watch: typeof watchPorts): Stop {
  const { client, close } = watch({
    socket: config.ovsdbSocket,
    bridge: config.bridge,
    log,
    clock,
    onChange: snapshot => cells.inputs.ports.set(overlay === undefined ? snapshot : withoutTags(snapshot)),
  })
  cells.ovsdb.set(client)
  return close
}
