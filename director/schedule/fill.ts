/** The load of one candidate, and its weight (above 0). */
export interface Candidate {
  readonly load: number
  readonly weight: number
}

/**
 * Distributes `amount` (above 0) so that `load / weight` becomes as equal as possible: a candidate below the common level
 * is filled up to it, and a candidate above it gets nothing. Returns what each gets, in the order of `candidates`.
 */
export function fill(candidates: readonly Candidate[], amount: number): readonly number[] {
  const level = ({ load, weight }: Candidate) => load / weight
  const sorted = candidates.toSorted((a, b) => level(a) - level(b))
  let load = 0
  let weight = 0
  let common = 0
  for (const [i, candidate] of sorted.entries()) {
    load += candidate.load
    weight += candidate.weight
    common = (amount + load) / weight
    const next = sorted[i + 1]
    if (next === undefined || common <= level(next)) break
  }
  return candidates.map(candidate => Math.max(0, common * candidate.weight - candidate.load))
}
