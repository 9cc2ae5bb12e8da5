import type { Scheduler } from '../../shared/config/service.ts'
import { gcd } from './gcd.ts'
import type { Hashed } from './types.ts'

/** The address that a hashing algorithm goes by (ipvsadm(8)): the client for sh and mh, the VIP for dh. */
export const HASH_FIELD: Readonly<Record<Hashed, 'src' | 'dst'>> = {
  sh: 'src',
  mh: 'src',
  dh: 'dst',
}

export function isHashed(scheduler: Scheduler): scheduler is Hashed {
  return scheduler in HASH_FIELD
}

/** At most this many buckets for one real server; finer weights than 1:16 are rounded. */
const COPIES = 16

/**
 * How many equal buckets stand for each weight. Open vSwitch gives a connection to the bucket with the highest hash of
 * (bucket id, field), which is rendezvous hashing: when a real server leaves or joins, only its own clients move. Unequal
 * bucket weights distort it badly (measured: 50 among nine of 100 got nothing), so weight is a number of buckets. The
 * scale hangs on the weights that are configured, not on who is there: nobody else's buckets change with a real server.
 */
export function copies(weights: readonly number[], configured: readonly number[] = weights): readonly number[] {
  const scale = configured.filter(weight => weight > 0)
  const unit = Math.max(scale.reduce(gcd, 0), Math.max(0, ...scale) / COPIES)
  return weights.map(weight => Math.max(1, Math.round(weight / unit)))
}
