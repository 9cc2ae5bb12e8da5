import { fill } from '../fill.ts'
import type { Algorithm } from '../types.ts'

/** Least connections: the real server with the fewest active ones, whatever the weights (ipvsadm(8), lc). */
export const lc: Algorithm = (candidates, expected) =>
  fill(
    candidates.map(({ active, ramp }) => ({ load: active, weight: ramp })),
    expected,
  )
