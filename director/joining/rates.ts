import type { Clock } from '../../shared/run/clock.ts'
import { createTokenBucket, type TokenBucket } from '../../shared/run/token-bucket.ts'

/** Of one address: a few at once, for a person who mistypes, and then one every two seconds. */
const EACH = { perSecond: 0.5, burst: 10 }
/** Addresses that are remembered. When there are more, the one that has asked for nothing longest begins anew. */
const MOST_ADDRESSES = 1024

/** How many requests an address may make. */
export function createRates(clock: Pick<Clock, 'now'>): { take(address: string): boolean } {
  const buckets = new Map<string, TokenBucket>()
  const bucketOf = (address: string) => {
    const bucket = buckets.get(address) ?? createTokenBucket(clock, EACH)
    // A Map keeps the order in which its keys were set.
    buckets.delete(address)
    const [oldest] = buckets.keys()
    if (buckets.size >= MOST_ADDRESSES) buckets.delete(oldest!)
    buckets.set(address, bucket)
    return bucket
  }
  return { take: address => bucketOf(address).take() }
}
