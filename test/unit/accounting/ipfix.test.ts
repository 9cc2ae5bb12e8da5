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
