import { fill } from '../fill.ts'
import type { Algorithm } from '../types.ts'

/** Least connections: to whoever has the fewest active ones, whatever the weights (ipvsadm(8), lc). */
export const lc: Algorithm = (candidates, expected) =>
  fill(
    candidates.map(({ active, ramp }) => ({ have: active, weight: ramp })),
    expected,
  )
