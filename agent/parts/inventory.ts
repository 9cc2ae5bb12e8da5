import type { Stop } from '../../shared/run/lifecycle.ts'
import type { House } from '../house.ts'
import type { watchInventory } from '../inventory/watch.ts'

/** The VMs, from libvirt. Until it has told of one, what it said before the restart stands. */
export function inventory({ config, cells, log, clock }: House, watch: typeof watchInventory): Stop {
  const { inventory: cell } = cells.inputs
  const { close } = watch({ socket: config.libvirtSocket, log, clock, known: cell.get().domains, onChange: cell.set })
  return close
}
