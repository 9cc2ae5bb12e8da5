import { fill } from '../fill.ts'
import type { Algorithm } from '../types.ts'

/** Round robin: equal numbers of connections whatever the weights (ipvsadm(8), rr). */
export const rr: Algorithm = (candidates, expected) =>
  fill(
    candidates.map(({ opened, ramp }) => ({ load: opened, weight: ramp })),
    expected,
  )
