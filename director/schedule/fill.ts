/** What somebody carries already, and the weight that it is to be measured against (above 0). */
export interface Vessel {
  readonly have: number
  readonly weight: number
}

/**
 * Shares `amount` (above 0) out so that `have / weight` comes out as even as it can: whoever is below the common level
 * is filled up to it, whoever is above gets nothing. In the order of `vessels`; the sum is `amount`.
 */
export function fill(vessels: readonly Vessel[], amount: number): readonly number[] {
  const level = ({ have, weight }: Vessel) => have / weight
  const sorted = vessels.toSorted((a, b) => level(a) - level(b))
  let have = 0
  let weight = 0
  let surface = 0
  for (const [i, vessel] of sorted.entries()) {
    have += vessel.have
    weight += vessel.weight
    surface = (amount + have) / weight
    const next = sorted[i + 1]
    if (next === undefined || surface <= level(next)) break
  }
  return vessels.map(vessel => Math.max(0, surface * vessel.weight - vessel.have))
}
