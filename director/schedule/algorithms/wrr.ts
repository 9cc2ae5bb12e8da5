import { fill } from '../fill.ts'
import type { Algorithm } from '../types.ts'

/** Weighted round robin: numbers of connections in proportion to the weights (ipvsadm(8), wrr). */
export const wrr: Algorithm = (candidates, expected) =>
  fill(
    candidates.map(({ opened, weight }) => ({ load: opened, weight })),
    expected,
  )
