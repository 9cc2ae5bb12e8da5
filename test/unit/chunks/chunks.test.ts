import test from 'ava'
import fc from 'fast-check'
import { keepChunk } from '../../../shared/chunks.ts'

test('chunks give the bytes that came, and byte by byte they are no more of them than a page each', t => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 9000 }), { maxLength: 20 }), sent => {
      const chunks: Uint8Array[] = []
      for (const chunk of sent) keepChunk(chunks, chunk)
      t.deepEqual(Buffer.concat(chunks), Buffer.concat(sent))
    }),
    { numRuns: 50 },
  )
  const chunks: Uint8Array[] = []
  for (let i = 0; i < 100_000; i++) keepChunk(chunks, Uint8Array.of(i))
  t.is(chunks.length, Math.ceil(100_000 / 4096))
})
