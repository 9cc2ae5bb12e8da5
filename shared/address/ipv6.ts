import { parseIpv4 } from './ipv4.ts'

/** IPv6 addresses as bigints; text as in RFC 4291, section 2.2, and for output RFC 5952. */

/** Undefined when the text is not an IPv6 address. A dotted quad at the end is allowed; a zone (`%eth0`) is not. */
export const parseIpv6 = (text: string): bigint | undefined => {
  const quad = /^(.*:)([\d.]+\.[\d.]+)$/.exec(text)
  if (quad !== null) {
    const low = parseIpv4(quad[2]!)
    if (low === undefined) return undefined
    return parseIpv6(`${quad[1]}${(low >>> 16).toString(16)}:${(low & 0xffff).toString(16)}`)
  }
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const [head, tail] = halves.map(half => (half === '' ? [] : half.split(':')))
  const count = head!.length + (tail?.length ?? 0)
  if (tail === undefined ? count !== 8 : count > 7) return undefined
  const groups = tail === undefined ? head! : [...head!, ...Array<string>(8 - count).fill('0'), ...tail]
  let value = 0n
  for (const group of groups) {
    if (!/^[0-9a-f]{1,4}$/i.test(group)) return undefined
    value = (value << 16n) | BigInt(`0x${group}`)
  }
  return value
}

/**
 * Writes the first of the longest runs of two or more zero groups as `::`. No part is written as a dotted quad, which RFC 5952
 * (section 5) leaves open, so each address has one text.
 */
export const formatIpv6 = (value: bigint): string => {
  const groups = Array.from({ length: 8 }, (_, i) => Number((value >> BigInt(112 - 16 * i)) & 0xffffn))
  let start = -1
  let length = 1
  for (let i = 0; i < 8; i++) {
    let run = 0
    while (i + run < 8 && groups[i + run] === 0) run++
    if (run > length) {
      start = i
      length = run
    }
  }
  const write = (part: readonly number[]): string => part.map(group => group.toString(16)).join(':')
  return start < 0 ? write(groups) : `${write(groups.slice(0, start))}::${write(groups.slice(start + length))}`
}
