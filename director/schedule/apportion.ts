/**
 * The hash slots of a select group in Open vSwitch: dp_hash takes at most 256 (ofproto-dpif.c,
 * MAX_SELECT_GROUP_HASH_VALUES). With all of them in use, shares are exact to 1/256.
 */
export const SLOTS = 256

/**
 * Shares out `slots` in proportion to `weights` (0 or above) by largest remainder; each weight above 0 gets at least `least`.
 * Ties go to the first. With more weights than slots, the greatest weights get one slot each. 0 gets nothing.
 */
export function apportion(weights: readonly number[], slots: number = SLOTS, least = 1): readonly number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const wanting = weights.filter(weight => weight > 0).length
  if (wanting > slots && least > 0) return greatest(weights, slots)
  const ideal = weights.map(weight => (weight / total) * slots)
  const given = ideal.map(share => (share > 0 ? Math.max(least, Math.floor(share)) : 0))
  let left = slots - given.reduce((sum, share) => sum + share, 0)
  const owed = (i: number) => ideal[i]! - given[i]!
  const byRemainder = weights.flatMap((weight, i) => (weight > 0 ? [i] : [])).sort((a, b) => owed(b) - owed(a) || a - b)
  for (const i of byRemainder.slice(0, Math.max(0, left))) given[i]!++
  // The minimum may have given away too many slots: they are taken back where the shares exceed their due most.
  for (; left < 0; left++) {
    const rich = byRemainder.filter(i => given[i]! > least)
    const i = rich.reduce((poorest, other) => (owed(other) < owed(poorest) ? other : poorest))
    given[i]!--
  }
  return given
}

function greatest(weights: readonly number[], slots: number): readonly number[] {
  const chosen = new Set(
    weights
      .map((weight, i) => ({ weight, i }))
      .sort((a, b) => b.weight - a.weight || a.i - b.i)
      .slice(0, slots)
      .map(({ i }) => i),
  )
  return weights.map((_, i) => (chosen.has(i) ? 1 : 0))
}
