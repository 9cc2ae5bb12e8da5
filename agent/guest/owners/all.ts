import { connman } from './connman.ts'
import { dhcpcd } from './dhcpcd.ts'
import { ifupdown } from './ifupdown.ts'
import { netplan } from './netplan.ts'
import { networkManager } from './network-manager.ts'
import { networkScripts } from './network-scripts.ts'
import { networkd } from './networkd.ts'
import type { Look, Owned, Owner } from './types.ts'
import { wicked } from './wicked.ts'

/**
 * Owners in the order in which they are asked: first those that say of each NIC whether they have it, then those that are believed
 * because no other has it. ifupdown may run dhcpcd as its DHCP client, so it comes first.
 */
export const OWNERS: readonly Owner[] = [
  netplan,
  networkd,
  networkManager,
  ifupdown,
  wicked,
  networkScripts,
  dhcpcd,
  connman,
]

/** Finds the manager that owns the look's NIC; undefined when none of these does. */
export async function findOwner(look: Look, owners: readonly Owner[] = OWNERS): Promise<Owned | undefined> {
  for (const owner of owners) {
    const owned = await owner.detect(look)
    if (owned !== undefined) return owned
  }
  return undefined
}
