import test from 'ava'
import fc from 'fast-check'
import { parseIcmpError, withCitedSourcePort } from '../../../shared/packet/icmp-error.ts'
import { errorFrame as frame, type Shape } from './error-frame.ts'

const shape: fc.Arbitrary<Shape> = fc.record({
  ipv6: fc.boolean(),
  udp: fc.boolean(),
  port: fc.integer({ min: 1, max: 65535 }),
  cited: fc.integer({ min: 8, max: 60 }),
  options: fc.integer({ min: 0, max: 10 }),
  tagged: fc.boolean(),
  checksum: fc.constant(true),
  payload: fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 40, maxLength: 60 }),
})
// Half a checksum, at the end of a citation of 17 bytes of TCP, cannot be updated: its other half is missing.
const amendable = shape.filter(({ udp, cited }) => udp || cited !== 17)

test('what an error cites is read, whatever its IP options and tag', t => {
  fc.assert(
    fc.property(shape, given => {
      const { protocol, ...cited } = parseIcmpError(frame(given))!.cited
      t.is(protocol, given.udp ? 'udp' : 'tcp')
      const [src, dst] = given.ipv6 ? ['2001:db8::100', '2001:db8::10'] : ['10.10.1.100', '192.168.7.20']
      t.deepEqual(cited, { src, srcPort: given.port, dst, dstPort: 36000 })
    }),
  )
})

test('translated, it is what the router would have sent about the other port, checksums and all', t => {
  fc.assert(
    fc.property(amendable, fc.integer({ min: 1, max: 65535 }), (given, port) => {
      const translated = withCitedSourcePort(frame(given), port)
      t.deepEqual(Buffer.from(translated).toString('hex'), Buffer.from(frame({ ...given, port })).toString('hex'))
    }),
  )
})

test('a UDP checksum that is absent stays absent', t => {
  const given: Shape = { udp: true, port: 53, cited: 8, options: 0, tagged: false, checksum: false, payload: [1, 2] }
  t.deepEqual(withCitedSourcePort(frame(given), 5353), frame({ ...given, port: 5353 }))
})

test('nothing else is taken for one, and no bytes make it throw', t => {
  const whole = frame({ udp: false, port: 80, cited: 28, options: 0, tagged: false, checksum: true, payload: [] })
  t.not(parseIcmpError(whole), undefined)
  for (let length = 0; length < 14 + 20 + 8 + 20 + 8; length++) {
    t.is(parseIcmpError(whole.subarray(0, length)), undefined)
  }
  const changed = (at: number, value: number) => {
    const copy = Uint8Array.from(whole)
    copy[at] = value
    return parseIcmpError(copy)
  }
  t.is(changed(34, 8), undefined, 'echo')
  t.is(changed(23, 6), undefined, 'TCP')
  t.is(changed(20, 0x20 | 1), undefined, 'a fragment')
  t.is(changed(42 + 6, 1), undefined, 'about a fragment that has no ports')
  t.is(changed(42 + 9, 132), undefined, 'about SCTP')
  t.is(changed(42, 0x4f), undefined, 'a header that is longer than what there is')
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), bytes => {
      t.notThrows(() => parseIcmpError(bytes))
    }),
  )
})

test('of IPv6 likewise: nothing else is taken for one, whatever its extension headers say', t => {
  const given: Shape = {
    ipv6: true,
    udp: false,
    port: 80,
    cited: 28,
    options: 1,
    tagged: false,
    checksum: true,
    payload: [],
  }
  const whole = frame(given)
  t.like(parseIcmpError(whole), { type: 2, code: 0, to: '2001:db8::100' })
  for (let length = 0; length < whole.length; length++) t.is(parseIcmpError(whole.subarray(0, length)), undefined)
  const cited = 14 + 40 + 8
  const changed = (at: number, ...values: number[]) => {
    const copy = Uint8Array.from(whole)
    copy.set(values, at)
    return parseIcmpError(copy)
  }
  t.is(changed(14 + 40, 128), undefined, 'echo')
  t.is(changed(14 + 6, 6), undefined, 'TCP')
  t.is(changed(cited + 41, 255), undefined, 'an extension header that is longer than what there is')
  t.is(changed(cited + 6, 44, ...whole.slice(cited + 7, cited + 40), 6, 0, 0, 8), undefined, 'about a later fragment')
  t.like(changed(cited + 6, 44, ...whole.slice(cited + 7, cited + 40), 6, 0, 0, 1), { cited: { srcPort: 80 } })
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 60, maxLength: 160 }), bytes => {
      t.notThrows(() => parseIcmpError(Uint8Array.from([...whole.subarray(0, 14), 0x60, ...bytes])))
    }),
  )
})
