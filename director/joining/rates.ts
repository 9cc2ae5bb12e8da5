import type { Clock } from '../../shared/run/clock.ts'
import { createTokenBucket, type TokenBucket } from '../../shared/run/token-bucket.ts'

/** Of one address: a few at once, for a person who mistypes, and then one every two seconds. */
const EACH = { perSecond: 0.5, burst: 10 }
/** Addresses that are remembered. When there are more, all begin anew. */
const MOST_ADDRESSES = 1024

/** How many requests an address may make. */
export function createRates(clock: Pick<Clock, 'now'>): { take(address: string): boolean } {
  const buckets = new Map<string, TokenBucket>()
  const bucketOf = (address: string) => {
    const known = buckets.get(address)
    if (known !== undefined) return known
    if (buckets.size >= MOST_ADDRESSES) buckets.clear()
    const made = createTokenBucket(clock, EACH)
    buckets.set(address, made)
    return made
  }
  return { take: address => bucketOf(address).take() }
}
