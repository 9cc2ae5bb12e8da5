import type { DirectorDocument, DirectorInfo } from './store/types.ts'

/* What directors have told, by the address that each was dialled at: what one does not have another may. */

/** What directors have said of themselves. */
export interface Directors {
  /** The one that answers for the VIPs, as far as this host is concerned: one of `all`. */
  readonly active: DirectorInfo | undefined
  readonly all: ReadonlyMap<string, DirectorInfo>
}

export interface Documents {
  /** False: there are directors, and neither they nor the state file have told their documents. */
  readonly heard: boolean
  /** In the order of the configuration; without those that have not been heard of. */
  readonly byDirector: ReadonlyMap<string, readonly DirectorDocument[]>
}

/**
 * A director has said who it is. Of several that are active, the first of the configuration leads, until another that was on
 * standby has become active: one that is dead cannot say that it no longer is.
 *
 * @param addresses - of all directors, in the order of the configuration
 */
export function withDirector(
  { active, all }: Directors,
  address: string,
  info: DirectorInfo,
  addresses: readonly string[],
): Directors {
  const before = all.get(address)
  const next = inOrder(addresses, new Map(all).set(address, info))
  const first = [...next.values()].find(one => one.active) ?? info
  const tookOver = info.active && before?.active === false
  if (tookOver) return { active: info, all: next }
  const leader = [...all].find(([, one]) => one === active)?.[0]
  const leads = leader === undefined ? undefined : next.get(leader)
  return { active: leads?.active === true && before !== undefined ? leads : first, all: next }
}

/** A director has told all its documents. */
export function withDocuments(
  { heard, byDirector }: Documents,
  address: string,
  list: readonly DirectorDocument[],
  addresses: readonly string[],
): Documents {
  const next = inOrder(addresses, new Map(byDirector).set(address, list))
  // Without a memory of any, what one has not told yet is not known to be absent.
  return { heard: heard || addresses.every(one => next.has(one)), byDirector: next }
}

/** Those of the addresses that there is something of, in their order. */
export function inOrder<T>(addresses: readonly string[], all: ReadonlyMap<string, T>): ReadonlyMap<string, T> {
  return new Map(addresses.flatMap(address => (all.has(address) ? [[address, all.get(address)!]] : [])))
}
