import type { Algorithm } from '../types.ts'
import { sed } from './sed.ts'

/**
 * Never queue: an idle real server gets the next connection, whatever its weight; without one, the same as sed (ipvsadm(8), nq).
 */
export const nq: Algorithm = (candidates, expected) => {
  const idle = candidates.map(({ active }) => (active === 0 ? 1 : 0))
  const first = idle.reduce<number>((sum, one) => sum + one, 0)
  if (first >= expected) return idle
  const filled = candidates.map(({ active, ...rest }) => ({ ...rest, active: active === 0 ? 1 : active }))
  return sed(filled, expected - first).map((share, i) => share + idle[i]!)
}
