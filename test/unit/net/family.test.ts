import { readFileSync } from 'node:fs'
import { isIPv4, isIPv6 } from 'node:net'
import test from 'ava'
import fc from 'fast-check'
import {
  endpoint,
  FAMILIES,
  familiesOf,
  familyOf,
  familyOfBytes,
  familyOfNumber,
  IPV4,
  IPV6,
  textOfBytes,
} from '../../../shared/net/family.ts'
import { addressMatch, icmpMatch, over } from '../../../shared/net/match.ts'
import { matchText } from '../../../shared/openflow/text.ts'

interface Vector {
  readonly text: string
  readonly bytes: string | null
  readonly canonical: string | null
}

const VECTORS = JSON.parse(readFileSync(new URL('vectors/addresses.json', import.meta.url), 'utf8')) as Vector[]

test('addresses are read and written as a foreign program does', t => {
  for (const { text, bytes, canonical } of VECTORS) {
    const family = familyOf(text)
    const value = family.parse(text)
    t.is(value === undefined ? null : family.toBytes(value).toString('hex'), bytes, text)
    if (value === undefined || bytes === null) continue
    t.is(family.format(value), canonical!, text)
    t.is(family.fromBytes(Buffer.from(bytes, 'hex')), value)
    t.is(textOfBytes(Buffer.from(bytes, 'hex')), canonical!)
    t.is(familyOfNumber(value), family)
    t.is(familyOfBytes(Buffer.from(bytes, 'hex')), family)
  }
})

test('what is an address is what node:net takes for one, but for zones', t => {
  const hex = fc.integer({ min: 0, max: 0x1ffff }).map(n => n.toString(16))
  const word = fc.oneof(fc.constantFrom('', '::', ':', '0', '1.2.3.4', '.', 'g', '256'), hex)
  const texts = fc.oneof(
    fc.ipV4(),
    fc.ipV6(),
    fc.array(word, { maxLength: 10 }).map(words => words.join(':')),
    fc
      .array(fc.oneof(fc.nat(300).map(String), fc.constantFrom('00', '')), { maxLength: 5 })
      .map(words => words.join('.')),
  )
  fc.assert(
    fc.property(texts, text => {
      t.is(IPV4.parse(text) !== undefined, isIPv4(text), text)
      t.is(IPV6.parse(text) !== undefined, isIPv6(text), text)
    }),
    { numRuns: 3000 },
  )
})

test('each address has one text, which is read back', t => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }), value => {
      t.is(IPV6.parse(IPV6.format(value)), value)
      const low = Number(value & 0xffffffffn)
      t.is(IPV4.parse(IPV4.format(low)), low)
    }),
  )
})

test('a match of an address is that of its family; anyone needs none, one host no prefix length', t => {
  const texts = ['0.0.0.0/0', '10.0.0.0/8', '10.10.1.1/32', '10.10.1.1', '::/0', '2001:db8::/32', '2001:db8::1/128']
  t.deepEqual(
    texts.map(text => addressMatch('src', text)),
    [
      {},
      { ipv4_src: '10.0.0.0/8' },
      { ipv4_src: '10.10.1.1' },
      { ipv4_src: '10.10.1.1' },
      {},
      { ipv6_src: '2001:db8::/32' },
      { ipv6_src: '2001:db8::1' },
    ],
  )
})

test('transports have the names that ovs-ofctl gives them', t => {
  const names = FAMILIES.map(family => (['tcp', 'udp', 'icmp'] as const).map(name => matchText(over(family, name))))
  t.deepEqual(names, [
    ['tcp', 'udp', 'icmp'],
    ['tcp6', 'udp6', 'icmp6'],
  ])
  t.is(matchText(icmpMatch(IPV4, 8, 0)), 'icmp,icmp_type=8,icmp_code=0')
  t.is(matchText(icmpMatch(IPV6, 128, 0)), 'icmp6,icmp_type=128,icmp_code=0')
})

test('families of addresses, end points', t => {
  t.deepEqual(familiesOf(['2001:db8::1', '10.0.0.1', '10.0.0.2']), [IPV4, IPV6])
  t.deepEqual(familiesOf(['2001:db8::1']), [IPV6])
  t.deepEqual(familiesOf([]), [])
  t.is(endpoint('10.0.0.1', 80), '10.0.0.1:80')
  t.is(endpoint('2001:db8::1', 80), '[2001:db8::1]:80')
})
