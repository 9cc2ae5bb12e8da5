/**
 * The hash slots of a select group in Open vSwitch: dp_hash takes at most 256 (ofproto-dpif.c,
 * MAX_SELECT_GROUP_HASH_VALUES). With all of them in use, shares are exact to 1/256.
 */
export const SLOTS = 256

/**
 * Shares out `slots` in proportion to `weights` (all above 0) by largest remainder, at least one to each, so that the
 * smallest weight beside a huge one is still served; ties go to the first. With more weights than slots, each gets one.
 */
export function apportion(weights: readonly number[], slots: number = SLOTS): readonly number[] {
  if (weights.length >= slots) return weights.map(() => 1)
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const ideal = weights.map(weight => (weight / total) * slots)
  const given = ideal.map(share => Math.max(1, Math.floor(share)))
  let left = slots - given.reduce((sum, share) => sum + share, 0)
  const owed = (i: number) => ideal[i]! - given[i]!
  const byRemainder = weights.map((_, i) => i).sort((a, b) => owed(b) - owed(a) || a - b)
  for (const i of byRemainder.slice(0, Math.max(0, left))) given[i]!++
  // The minimum of one may have given too much away: it comes from those who are owed least among those with two or more.
  for (; left < 0; left++) {
    const rich = byRemainder.filter(i => given[i]! > 1)
    const i = rich.reduce((least, other) => (owed(other) < owed(least) ? other : least))
    given[i]!--
  }
  return given
}
