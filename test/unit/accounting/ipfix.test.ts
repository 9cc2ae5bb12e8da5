import { readFileSync } from 'node:fs'
import test from 'ava'
import fc from 'fast-check'
import { createIpfixReader } from '../../../director/accounting/ipfix.ts'

// Messages of ovs-vswitchd 3.1.0 about one HTTP request by curl from 10.10.1.10 to 10.10.1.102.
const { template, optionsTemplate, options, record } = JSON.parse(
  readFileSync(new URL('vswitchd.json', import.meta.url), 'utf8'),
) as Record<string, string>
const bytes = (hex: string | undefined) => Buffer.from(hex!, 'hex')

test('what vswitchd exports of a connection', t => {
  const read = createIpfixReader()
  t.deepEqual(read(bytes(template)), { sequence: 1, domain: 7, records: [], unreadable: 0 })
  t.deepEqual(read(bytes(record)), {
    sequence: 2,
    domain: 7,
    unreadable: 0,
    records: [
      {
        observationPointId: 9,
        sourceMacAddress: 0x020000000010,
        destinationMacAddress: 0x020000000100,
        protocolIdentifier: 6,
        sourceIPv4Address: 0x0a0a010a,
        destinationIPv4Address: 0x0a0a0166,
        sourceTransportPort: 40_148,
        destinationTransportPort: 80,
        flowStartDeltaMicroseconds: 2_632_000,
        flowEndDeltaMicroseconds: 2_620_000,
        packetDeltaCount: 7,
        octetDeltaCount: 522,
      },
    ],
  })
})

test('of IPv6, too: its addresses are bigints', t => {
  const messages = JSON.parse(readFileSync(new URL('vswitchd-ipv6.json', import.meta.url), 'utf8')) as Record<
    string,
    string
  >
  const read = createIpfixReader()
  read(bytes(messages.template))
  const [found] = read(bytes(messages.record)).records
  t.like(found, {
    protocolIdentifier: 6,
    sourceIPv6Address: 0x20010db8000000000000000000000010n,
    destinationIPv6Address: 0x20010db8000000000000000000000100n,
    destinationTransportPort: 80,
  })
  t.is(found?.sourceIPv4Address, undefined)
})

test("the exporter's own statistics are records, too, of nothing that is read here", t => {
  const read = createIpfixReader()
  read(bytes(optionsTemplate))
  t.deepEqual(read(bytes(options)), { sequence: 1, domain: 0, records: [{}], unreadable: 0 })
})

test('without its template a record cannot be read; a template of one domain is for all, as vswitchd has it', t => {
  const read = createIpfixReader()
  t.is(read(bytes(record)).unreadable, 1)
  read(bytes(template))
  const elsewhere = bytes(record)
  elsewhere.writeUInt32BE(8, 12)
  t.like(read(elsewhere), { domain: 8, unreadable: 0 })
})

/** A message with one set. */
const messageOf = (set: number, body: Buffer): Buffer => {
  const message = Buffer.concat([Buffer.alloc(20), body])
  message.writeUInt16BE(10, 0)
  message.writeUInt16BE(message.length, 2)
  message.writeUInt16BE(set, 16)
  message.writeUInt16BE(message.length - 16, 18)
  return message
}

const templateOf = (id: number, fields: readonly (readonly [element: number, length: number])[]): Buffer =>
  messageOf(2, Buffer.from(new Uint16Array([id, fields.length, ...fields.flat()]).buffer).swap16())

const filler = (count: number, length: number) => Array.from({ length: count }, () => [300, length] as const)

for (const [what, message] of Object.entries({
  'of no fields': templateOf(256, []),
  'of fields of no length': templateOf(256, [[8, 4], ...filler(100, 0)]),
  'of thousands of fields': templateOf(256, [...filler(16_000, 0), [300, 1]]),
  'of more fields than vswitchd has': templateOf(256, filler(129, 1)),
  'of records of a byte': templateOf(256, [[300, 1]]),
  'with an address of 6 bytes': templateOf(256, [[8, 6], ...filler(10, 1)]),
  'with a counter of variable length': templateOf(256, [[1, 0xffff], ...filler(10, 1)]),
  'with a number that vswitchd does not give': templateOf(512, filler(10, 4)),
})) {
  test(`a template ${what} is refused`, t => {
    const read = createIpfixReader()
    t.throws(() => read(message), { code: 'IPFIX_INVALID' })
    t.is(read(messageOf(256, Buffer.alloc(65_000))).unreadable, 1)
  })
}

test('a datagram gives no more records than it has room for, however its template is made', t => {
  const read = createIpfixReader()
  read(templateOf(256, filler(128, 0xffff)))
  t.is(read(messageOf(256, Buffer.alloc(65_000))).records.length, Math.floor(65_000 / 128))
  read(templateOf(256, filler(2, 6)))
  t.is(read(messageOf(256, Buffer.alloc(65_000))).records.length, Math.floor(65_000 / 12))
})

test('a message that is cut short, or whose lengths lie, is refused and nothing else; none makes it hang or crash', t => {
  const whole = [bytes(template), bytes(record)]
  const change = fc.record({ which: fc.nat(1), at: fc.nat(1200), value: fc.nat(255), cut: fc.nat(400) })
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), changes => {
      const read = createIpfixReader()
      const messages = whole.map(message => Buffer.from(message))
      for (const { which, at, value } of changes) {
        const message = messages[which]!
        message[at % message.length] = value
      }
      for (const message of [messages[0]!, messages[1]!.subarray(0, messages[1]!.length - (changes[0]!.cut % 300))]) {
        try {
          read(message)
        } catch (error) {
          if ((error as { code?: string }).code !== 'IPFIX_INVALID') throw error
        }
      }
    }),
    { numRuns: 2000 },
  )
  t.throws(() => createIpfixReader()(bytes(record).subarray(0, 100)), {
    code: 'IPFIX_INVALID',
    message: /316 bytes, but has 100/,
  })
})
