import type { Log } from '../../../shared/log.ts'
import type { Clock } from '../../../shared/run/clock.ts'
import { findOwner } from './all.ts'
import type { Look, Owned, Owner } from './types.ts'

/** Time after which it is looked again who owns a NIC, ms. */
const KEEP_MS = 600_000

export interface OwnerFinder {
  (look: Look, owners: readonly Owner[]): Promise<Owned | undefined>
  /** To be called when the guest may have booted anew. */
  forget(): void
}

/**
 * Finds the owners of one guest's NICs, and remembers them for a while, because some managers' programs take seconds to answer. A
 * manager may be starting anew just now: so one that is not there is looked for again at the next pass, and another in its place is
 * believed when it is seen twice.
 */
export function createOwnerFinder(log: Log, clock: Clock): OwnerFinder {
  const known = new Map<string, { owned: Owned; at: number; doubted: string | undefined }>()
  const find = async (look: Look, owners: readonly Owner[]): Promise<Owned | undefined> => {
    const { nic } = look
    const before = known.get(nic)
    if (before !== undefined && before.doubted === undefined && clock.now() - before.at < KEEP_MS) return before.owned
    const owned = await findOwner(look, owners)
    if (before !== undefined && owned?.owner !== before.owned.owner && before.doubted !== (owned?.owner ?? '')) {
      before.doubted = owned?.owner ?? ''
      return before.owned
    }
    if (owned === undefined) known.delete(nic)
    else known.set(nic, { owned, at: clock.now(), doubted: undefined })
    if (owned?.why !== before?.owned.why)
      log.info(`${nic} belongs to ${owned?.owner ?? 'no network manager that we know'}`, { nic, why: owned?.why })
    return owned
  }
  return Object.assign(find, { forget: () => known.clear() })
}
