import test from 'ava'
import fc from 'fast-check'
import { CrossportError } from '../../../shared/errors.ts'
import { createFramer, MESSAGE_MAX } from '../../../shared/libvirt/framer.ts'
import { decodeError, domainRef, packMessage, unpackMessage } from '../../../shared/libvirt/message.ts'
import { array, decode, encode, hex, int, optional, string, uint } from '../../../shared/libvirt/xdr.ts'

const bytes = (digits: string) => Buffer.from(digits.replaceAll(' ', ''), 'hex')
const malformed = { instanceOf: CrossportError, code: 'LIBVIRT_PROTOCOL' }

// Written from RFC 4506, 4: integers, strings, optional data, counted arrays.
const GOOD: readonly [string, string, (b: Buffer) => unknown, unknown][] = [
  ['int', 'fffffffe', b => decode(int, b), -2],
  ['uint', 'fffffffe', b => decode(uint, b), 4294967294],
  ['string', '00000005 73696c6c 79000000', b => decode(string(5), b), 'silly'],
  ['empty string', '00000000', b => decode(string(5), b), ''],
  ['UTF-8 string', '00000002 c3bc0000', b => decode(string(5), b), 'ü'],
  ['nothing', '00000000', b => decode(optional(int), b), undefined],
  ['something', '00000001 00000007', b => decode(optional(int), b), 7],
  ['list', '00000002 00000001 00000002', b => decode(array(int, 2), b), [1, 2]],
  ['opaque', '0001feff', b => decode(hex(4), b), '0001feff'],
]

for (const [name, digits, read, value] of GOOD) {
  test(`reads ${name}`, t => t.deepEqual(read(bytes(digits)), value))
}

const BAD: readonly [string, string, (b: Buffer) => unknown][] = [
  ['an int cut short', 'ffff', b => decode(int, b)],
  ['an int with something behind it', '00000001 00', b => decode(int, b)],
  ['a string over its maximum', '00000006 73696c6c 79737373', b => decode(string(5), b)],
  ['a string longer than the data', '00000005 73696c6c', b => decode(string(5), b)],
  ['a string without its padding', '00000005 73696c6c 79', b => decode(string(5), b)],
  ['padding that is not zero', '00000005 73696c6c 79000001', b => decode(string(5), b)],
  ['a boolean of 2', '00000002 00000001', b => decode(optional(int), b)],
  ['a list over its maximum', '00000003 00000001 00000002 00000003', b => decode(array(int, 2), b)],
  ['a list longer than the data', '00ffffff 00000001', b => decode(array(int, 0xffffff), b)],
  ['a string of 4 GiB', 'ffffffff 00000001', b => decode(string(0xffffffff), b)],
  ['a string of 2 GiB', '7fffffff 00000001', b => decode(string(0xffffffff), b)],
  ['an error cut short', '00000001 00000002 00000001', b => decodeError(b)],
  ['a domain cut short', '00000001 41000000 0001', b => decode(domainRef, b)],
]

for (const [name, digits, read] of BAD) {
  test(`refuses ${name}`, t => void t.throws(() => read(bytes(digits)), malformed))
}

test('refuses to write what is over its maximum', t => {
  t.throws(() => encode(string(2), 'ü!'), { instanceOf: RangeError })
  t.throws(() => encode(array(int, 1), [1, 2]), { instanceOf: RangeError })
  t.throws(() => encode(hex(4), 'xyz'), { instanceOf: RangeError })
})

const header = { program: 0x20008086, version: 1, procedure: 1, type: 1, serial: 7, status: 0 }

test('the framer finds the same messages however the stream is cut', t => {
  const messages = [0, 4, 400, 7000].map((size, i) => packMessage({ ...header, serial: i }, Buffer.alloc(size, i)))
  const stream = Buffer.concat(messages)
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: stream.length }), { maxLength: 12 }), cuts => {
      const framer = createFramer()
      const edges = [0, ...cuts.sort((a, b) => a - b), stream.length]
      const found = edges.slice(1).flatMap((end, i) => framer.push(stream.subarray(edges[i], end)))
      return Buffer.concat(found).equals(stream) && found.length === messages.length
    }),
    { numRuns: 200 },
  )
  t.pass()
})

test('the framer refuses lengths that cannot be, before their bytes have come', t => {
  for (const length of [0, 4, 27, MESSAGE_MAX + 1, 0xffffffff]) {
    const head = Buffer.alloc(4)
    head.writeUInt32BE(length)
    t.throws(() => createFramer().push(head), malformed, String(length))
  }
})

test('refuses another protocol version', t => {
  t.throws(() => unpackMessage(packMessage({ ...header, version: 2 })), malformed)
})
