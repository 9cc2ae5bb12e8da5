import type { GuestStatuses } from '../inputs.ts'
import type { Domain } from '../inventory/types.ts'
import type { Store } from '../store/store.ts'
import type { GuestRecord } from '../store/types.ts'

/**
 * The VMs' own addresses, which their shields carry: as the guest says, and until it has been asked as it said before, so
 * that an agent that starts again changes nothing. By `uuid/mac`, of all NICs of these VMs; the same object while nothing
 * changes.
 */
export function createOwnAddresses(store: Pick<Store, 'ownAddresses'>) {
  let known: ReadonlyMap<string, string> = new Map(Object.entries(store.ownAddresses()))
  let last: readonly unknown[] | undefined
  return (
    domains: readonly Domain[],
    records: readonly GuestRecord[],
    guests: GuestStatuses,
  ): ReadonlyMap<string, string> => {
    const input = [domains, records, guests]
    if (last?.every((value, i) => value === input[i])) return known
    last = input
    const next = new Map<string, string>()
    const ask = (vmUuid: string, mac: string) => {
      const name = `${vmUuid}/${mac}`
      const address = guests.status(vmUuid, mac)?.ownAddresses[0] ?? known.get(name)
      if (address !== undefined) next.set(name, address)
    }
    for (const { uuid, nics } of domains) for (const { mac } of nics) ask(uuid, mac)
    for (const { vmUuid, mac } of records) ask(vmUuid, mac)
    if (next.size !== known.size || [...next].some(([name, address]) => known.get(name) !== address)) known = next
    return known
  }
}
