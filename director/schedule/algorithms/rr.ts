import type { Algorithm } from '../types.ts'

/** Round robin: equal shares whatever the weights (ipvsadm(8), rr). */
export const rr: Algorithm = candidates => candidates.map(() => 1)
