import test from 'ava'
import { createTokenBucket } from '../../../shared/run/token-bucket.ts'

test('a burst passes, then so many a second, and unused ones do not pile up', t => {
  let now = 0
  const bucket = createTokenBucket({ now: () => now }, { perSecond: 10, burst: 3 })
  const pass = (n: number) => Array.from({ length: n }, () => bucket.take()).filter(Boolean).length
  t.is(pass(5), 3)
  now = 100
  t.is(pass(5), 1)
  now = 100_000
  t.is(pass(5), 3)
  t.is(bucket.refused, 2 + 4 + 2)
})
