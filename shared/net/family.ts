import { formatIpv4, parseIpv4 } from '../address/ipv4.ts'
import { formatIpv6, parseIpv6 } from '../address/ipv6.ts'
import { ipv4Header } from '../wire/ipv4-header.ts'
import { ipv6Header } from '../wire/ipv6-header.ts'
import { ARP } from './arp.ts'
import { ND } from './nd.ts'
import type { Address, Family } from './types.ts'

export const IPV4: Family = {
  name: 'IPv4',
  etherType: 0x0800,
  bits: 32,
  anyone: '0.0.0.0/0',
  unspecified: '0.0.0.0',
  fields: { src: 'ipv4_src', dst: 'ipv4_dst' },
  icmp: {
    protocol: 1,
    fields: { type: 'icmp_type', code: 'icmp_code' },
    // Destination unreachable, time exceeded, parameter problem (RFC 1122, 3.2.2).
    errors: [3, 11, 12],
    echo: { request: 8, reply: 0 },
    // RFC 1812, 4.3.2.3: the error has at most 576 bytes.
    portUnreachable: { type: 3, code: 3, cites: 548 },
    // RFC 1191, section 4. Any IPv4 host takes 576 bytes (RFC 1122, 3.3.3); links of less are none that a VM is reached by.
    tooBig: { type: 3, code: 4, mtu: { at: 6, bytes: 2 }, least: 576 },
    pseudoHeader: false,
  },
  neighbours: ARP,
  header: ipv4Header,
  parse: parseIpv4,
  format: address => formatIpv4(Number(address)),
  toBytes: address => Buffer.from(Number(address).toString(16).padStart(8, '0'), 'hex'),
  fromBytes: bytes => Buffer.from(bytes).readUInt32BE(),
}

export const IPV6: Family = {
  name: 'IPv6',
  etherType: 0x86dd,
  bits: 128,
  anyone: '::/0',
  unspecified: '::',
  fields: { src: 'ipv6_src', dst: 'ipv6_dst' },
  icmp: {
    protocol: 58,
    fields: { type: 'icmpv6_type', code: 'icmpv6_code' },
    // Destination unreachable, packet too big, time exceeded, parameter problem (RFC 4443, section 3).
    errors: [1, 2, 3, 4],
    echo: { request: 128, reply: 129 },
    // RFC 4443, 2.4 (c): the error must fit the least MTU, 1280 bytes.
    portUnreachable: { type: 1, code: 4, cites: 1232 },
    // RFC 4443, 3.2: the code is ignored. RFC 8201, section 4: less than 1280 must be discarded.
    tooBig: { type: 2, mtu: { at: 4, bytes: 4 }, least: 1280 },
    pseudoHeader: true,
  },
  neighbours: ND,
  header: ipv6Header,
  parse: parseIpv6,
  format: address => formatIpv6(BigInt(address)),
  toBytes: address => Buffer.from(address.toString(16).padStart(32, '0'), 'hex'),
  fromBytes: bytes => BigInt(`0x${Buffer.from(bytes).toString('hex')}`),
}

export const FAMILIES: readonly Family[] = [IPV4, IPV6]

/** The family of an address or CIDR block. */
export const familyOf = (text: string): Family => (text.includes(':') ? IPV6 : IPV4)

export const familyOfNumber = (address: Address): Family => (typeof address === 'bigint' ? IPV6 : IPV4)

export const familyOfBytes = (address: Uint8Array): Family => (address.length === 16 ? IPV6 : IPV4)

/** The canonical text of a packet's address. */
export const textOfBytes = (address: Uint8Array): string => {
  const family = familyOfBytes(address)
  return family.format(family.fromBytes(address))
}

/** The families of these addresses, in the order of FAMILIES. */
export function familiesOf(addresses: Iterable<string>): readonly Family[] {
  const found = new Set<Family>()
  for (const address of addresses) {
    found.add(familyOf(address))
    if (found.size === FAMILIES.length) break
  }
  return FAMILIES.filter(family => found.has(family))
}

/** An address in a URL: IPv6 addresses in brackets (RFC 3986, 3.2.2). */
export const urlHost = (address: string): string => (familyOf(address) === IPV6 ? `[${address}]` : address)

/** `address:port`, with brackets around an IPv6 address (RFC 5952, section 6). */
export const endpoint = (address: string, port: number): string => `${urlHost(address)}:${port}`

/** The canonical text of an address; undefined where the text is not an address. */
export function canonical(text: string): string | undefined {
  const family = familyOf(text)
  const value = family.parse(text)
  return value === undefined ? undefined : family.format(value)
}
