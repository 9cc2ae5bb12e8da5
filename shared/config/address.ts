import { formatIpv4, parseIpv4 } from '../address/ipv4.ts'

/** Rules for addresses in service files and configuration files (RFC 4632 for prefixes). */

/** Why an address cannot be a VIP (RFC 1122, 3.2.1.3); undefined when it can. */
export function vipProblem(text: string): string | undefined {
  const value = parseIpv4(text)
  if (value === undefined) return `'${text}' is not an IPv4 address, such as 10.10.1.100`
  const first = Math.floor(value / 2 ** 24)
  if (first === 0 || first === 127) return `${text} cannot be reached from other machines`
  if (first >= 224) return `${text} is a multicast, reserved or broadcast address`
  return undefined
}

/** A CIDR block in canonical form, or what is wrong with the text. A bare address is a /32. */
export function canonicalCidr(text: string): { cidr: string } | { problem: string } {
  const match = /^([^/]+)(?:\/(\d{1,2}))?$/.exec(text)
  const address = match?.[1] === undefined ? undefined : parseIpv4(match[1])
  const length = Number(match?.[2] ?? 32)
  if (address === undefined || length > 32) return { problem: `'${text}' is not a CIDR block, such as 10.10.1.0/24` }
  const size = 2 ** (32 - length)
  const network = Math.floor(address / size) * size
  if (network !== address) {
    return {
      problem: `'${text}' has host bits set (did you mean ${formatIpv4(network)}/${length} or ${match![1]}/32?)`,
    }
  }
  return { cidr: `${formatIpv4(network)}/${length}` }
}

/** Why a netmask cannot be used; undefined when it can: it must be ones from the left, at least one. */
export function maskProblem(text: string): string | undefined {
  const value = parseIpv4(text)
  const zeros = value === undefined ? 0 : 2 ** 32 - value
  if (value === undefined || value === 0 || !Number.isInteger(Math.log2(zeros)))
    return `'${text}' is not a netmask, such as 255.255.255.0`
  return undefined
}
