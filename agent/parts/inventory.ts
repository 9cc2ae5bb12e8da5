import type { Stop } from '../../shared/run/lifecycle.ts'
import type { House } from '../house.ts'
import type { watchInventory } from '../inventory/watch.ts'

/** The VMs, from libvirt. */
export function inventory({ config, cells, log, clock }: House, watch: typeof watchInventory): Stop {
  const known = cells.inputs.inventory
  const { close } = watch({
    socket: config.libvirtSocket,
    log,
    clock,
    onChange: inventory => {
      // Until libvirt has answered once, what it said before the restart stands.
      const { domains } = !inventory.synced && inventory.domains.length === 0 ? known.get() : inventory
      known.set({ ...inventory, domains })
    },
  })
  return close
}
