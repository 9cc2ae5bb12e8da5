/**
 * The hash slots of a select group in Open vSwitch: dp_hash takes at most 256 (ofproto-dpif.c,
 * MAX_SELECT_GROUP_HASH_VALUES). With all of them in use, shares are exact to 1/256.
 */
export const SLOTS = 256

/**
 * Shares out `slots` in proportion to `weights` (all above 0) by largest remainder, at least one to each; ties go to
 * the first. With more weights than slots, each gets one. Linear but for one sort.
 */
export function apportion(weights: readonly number[], slots: number = SLOTS): readonly number[] {
  if (weights.length >= slots) return weights.map(() => 1)
  // One slot each is given beforehand, so that the smallest weight beside a huge one is still served.
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const ideal = weights.map(weight => (weight / total) * slots)
  const given = ideal.map(share => Math.max(1, Math.floor(share)))
  let left = slots - given.reduce((sum, share) => sum + share, 0)
  const byRemainder = weights.map((_, i) => i).sort((a, b) => rest(b) - rest(a) || a - b)
  for (const i of byRemainder) {
    if (left <= 0) break
    given[i]!++
    left--
  }
  // The minimum of one may have overdrawn: take back where there is most above the ideal share.
  while (left < 0) {
    const i = given.reduce((most, share, at) => (share > 1 && excess(at) > excess(most) ? at : most), richest())
    given[i]!--
    left++
  }
  return given

  function rest(i: number): number {
    return ideal[i]! - given[i]!
  }
  function excess(i: number): number {
    return given[i]! > 1 ? given[i]! - ideal[i]! : Number.NEGATIVE_INFINITY
  }
  function richest(): number {
    return given.indexOf(Math.max(...given))
  }
}
