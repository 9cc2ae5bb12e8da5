import { fill } from '../fill.ts'
import type { Algorithm } from '../types.ts'

/** Weighted least connections: the least active connections per weight (ipvsadm(8), wlc). */
export const wlc: Algorithm = (candidates, expected) =>
  fill(
    candidates.map(({ active, weight }) => ({ load: active, weight })),
    expected,
  )
