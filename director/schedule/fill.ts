/** What somebody carries already, and the weight that it is to be measured against (above 0). */
export interface Candidate {
  readonly have: number
  readonly weight: number
}

/**
 * Shares `amount` (above 0) out so that `have / weight` comes out as even as it can: whoever is below the common level
 * is filled up to it, whoever is above gets nothing. In the order of `candidates`; the sum is `amount`.
 */
export function fill(candidates: readonly Candidate[], amount: number): readonly number[] {
  const level = ({ have, weight }: Candidate) => have / weight
  const sorted = candidates.toSorted((a, b) => level(a) - level(b))
  let have = 0
  let weight = 0
  let surface = 0
  for (const [i, candidate] of sorted.entries()) {
    have += candidate.have
    weight += candidate.weight
    surface = (amount + have) / weight
    const next = sorted[i + 1]
    if (next === undefined || surface <= level(next)) break
  }
  return candidates.map(candidate => Math.max(0, surface * candidate.weight - candidate.have))
}
