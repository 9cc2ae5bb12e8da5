import type { Match } from '../openflow/types.ts'
import { familyOf } from './family.ts'
import type { Family } from './types.ts'

/** Numbers in IP headers (IANA's registry "Protocol Numbers"). */
export const PROTOCOL = { tcp: 6, udp: 17 } as const

/** Matches packets of TCP, UDP or ICMP over this family: `eth_type` and `ip_proto`. */
export function over(family: Family, transport: 'tcp' | 'udp' | 'icmp') {
  const ip_proto = transport === 'icmp' ? family.icmp.protocol : PROTOCOL[transport]
  return { eth_type: family.etherType, ip_proto } as const
}

/** Matches source or destination by an address or CIDR block. `anyone` needs no match, and a single host no prefix length. */
export function addressMatch(way: 'src' | 'dst', cidr: string): Match {
  const family = familyOf(cidr)
  const field = family.fields[way]
  const slash = cidr.indexOf('/')
  if (slash < 0) return { [field]: cidr }
  if (cidr === family.anyone) return {}
  return { [field]: Number(cidr.slice(slash + 1)) === family.bits ? cidr.slice(0, slash) : cidr }
}

/** Matches ICMP messages of one type and, if given, one code. */
export function icmpMatch(family: Family, type: number, code?: number): Match {
  const { fields } = family.icmp
  return {
    ...over(family, 'icmp'),
    [fields.type]: type,
    ...(code === undefined ? {} : { [fields.code]: code }),
  }
}
