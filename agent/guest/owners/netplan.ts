import { connectionOf, dispatched } from './network-manager.ts'
import { dropIn, networkFile } from './networkd.ts'
import type { Owner } from './types.ts'

/**
 * netplan writes files for systemd-networkd or NetworkManager, below /run, and anew at every boot and `netplan apply`. What we add
 * belongs to the one that has the NIC; in netplan's own files there is no word for an address that is no source.
 */
export const netplan: Owner = {
  name: 'netplan',
  detect: async look => {
    const file = await networkFile(look)
    if (file !== undefined)
      return /^\/run\/systemd\/network\/10-netplan-[^/]+$/.test(file)
        ? dropIn('netplan over systemd-networkd', look.nic, file)
        : undefined
    const connection = await connectionOf(look)
    return connection?.startsWith('netplan-') === true
      ? dispatched('netplan over NetworkManager', look.nic, connection)
      : undefined
  },
}
