import type { Algorithm } from '../types.ts'

/** Weighted round robin: shares in proportion to the weights (ipvsadm(8), wrr). */
export const wrr: Algorithm = candidates => candidates.map(candidate => candidate.weight)
