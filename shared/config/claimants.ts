import { createConflictIndex } from './conflicts.ts'
import type { ServiceSpec } from './service.ts'

/** Services that are in force together or not at all. */
export interface Claimant {
  readonly specs: readonly ServiceSpec[]
  /** What of it was in force before. */
  readonly before: readonly ServiceSpec[]
  /** It was in force as it is. */
  readonly stays: boolean
}

/**
 * In the order in which they have their choice, so that of two in conflict the one that was in force first stays: those that
 * stay, then those that want nothing that was another's, then the others. A newcomer that has been refused so is in nobody's
 * way, whatever else changes. Otherwise as they came.
 */
export function inOrderOfClaims<T extends Claimant>(claimants: readonly T[]): T[] {
  const inForce = createConflictIndex()
  for (const { before } of claimants) for (const spec of before) inForce.add(spec)
  const clashes = ({ specs, before }: T) => {
    for (const spec of before) inForce.remove(spec)
    const found = specs.some(spec => inForce.check(spec) !== undefined)
    for (const spec of before) inForce.add(spec)
    return found
  }
  const ranks = new Map(claimants.map(one => [one, one.stays ? 0 : clashes(one) ? 2 : 1]))
  return [...claimants].sort((a, b) => ranks.get(a)! - ranks.get(b)!)
}
