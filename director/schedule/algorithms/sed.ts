import { fill } from '../fill.ts'
import type { Algorithm } from '../types.ts'

/** Shortest expected delay: the least (active + 1) / weight, so that an idle but weak server is not taken first (ipvsadm(8), sed). */
export const sed: Algorithm = (candidates, expected) =>
  fill(
    candidates.map(({ active, weight }) => ({ load: active + 1, weight })),
    expected,
  )
