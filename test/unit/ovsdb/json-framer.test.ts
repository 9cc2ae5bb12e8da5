import test from 'ava'
import fc from 'fast-check'
import { createJsonFramer } from '../../../shared/ovsdb/json-framer.ts'

const bytes = (text: string) => Buffer.from(text)

test('objects follow each other, with and without white space', t => {
  const framer = createJsonFramer(1000)
  t.deepEqual(framer.push(bytes('{"a":1}{"b":[{"c":"}"}]}\r\n\t {"d":"\\"{\\\\"}')), [
    { a: 1 },
    { b: [{ c: '}' }] },
    { d: '"{\\' },
  ])
})

test('any split of the stream gives the same objects', t => {
  fc.assert(
    fc.property(
      fc.array(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()), { maxLength: 5 }),
      fc.array(fc.nat(7), { minLength: 1, maxLength: 20 }),
      (objects, sizes) => {
        const stream = bytes(objects.map(object => JSON.stringify(object)).join(' '))
        const framer = createJsonFramer(1_000_000)
        const found: unknown[] = []
        for (let at = 0, i = 0; at < stream.length; i++) {
          const size = sizes[i % sizes.length]! + 1
          found.push(...framer.push(stream.subarray(at, at + size)))
          at += size
        }
        t.deepEqual(found, JSON.parse(JSON.stringify(objects)))
      },
    ),
  )
})

test('a chunk may be reused by its owner after push', t => {
  const framer = createJsonFramer(100)
  const chunk = bytes('{"a":')
  framer.push(chunk)
  chunk.fill(0x20)
  t.deepEqual(framer.push(bytes('1}')), [{ a: 1 }])
})

for (const [name, text] of [
  ['text', 'hello'],
  ['an array', '[1]'],
  ['a closing brace', '}'],
  ['broken JSON', '{"a":}'],
  ['a brace that closes early', '{"a":[}'],
] as const) {
  test(`refuses ${name}, and everything after it`, t => {
    const framer = createJsonFramer(100)
    t.throws(() => framer.push(bytes(text)), { code: 'OVSDB_PROTOCOL' })
    t.throws(() => framer.push(bytes('{}')), { code: 'OVSDB_PROTOCOL' })
  })
}

test('refuses bytes that are not UTF-8', t => {
  const framer = createJsonFramer(100)
  t.throws(() => framer.push(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])), { code: 'OVSDB_PROTOCOL' })
})

test('nesting is bounded, of arrays and of objects; brackets in strings do not count', t => {
  const nested = (depth: number) => `{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`
  t.is(createJsonFramer(10_000).push(bytes(nested(1000))).length, 1)
  t.throws(() => createJsonFramer(10_000).push(bytes(nested(1001))), { code: 'OVSDB_PROTOCOL', message: /nested/ })
  t.throws(() => createJsonFramer(10_000).push(bytes('{"a":'.repeat(1001))), { code: 'OVSDB_PROTOCOL' })
  t.deepEqual(createJsonFramer(10_000).push(bytes(`{"a":"${'[{'.repeat(2000)}"}`)), [{ a: '[{'.repeat(2000) }])
})

test('the size cap holds for whole messages and for unfinished ones', t => {
  const fits = `{"a":"${'x'.repeat(92)}"}`
  t.is(fits.length, 100)
  t.is(createJsonFramer(100).push(bytes(fits)).length, 1)
  t.throws(() => createJsonFramer(99).push(bytes(fits)), { code: 'OVSDB_PROTOCOL', message: /over 99 bytes/ })

  const drip = createJsonFramer(100)
  for (let i = 0; i < 100; i++) drip.push(bytes('{'))
  t.throws(() => drip.push(bytes('{')), { code: 'OVSDB_PROTOCOL', message: /over 100 bytes/ })

  const many = createJsonFramer(100)
  for (let i = 0; i < 50; i++) t.is(many.push(bytes(fits)).length, 1)
})
