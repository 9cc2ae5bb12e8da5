import { formatIpv6, parseIpv6 } from '../address/ipv6.ts'
import { CrossportError } from '../errors.ts'
import type { Field } from './fields.ts'
import type { FieldValue } from './types.ts'

/**
 * A field's value and mask as plain numbers: `number` up to 48 bits, `bigint` above. No mask: an exact match.
 * Bits outside the mask are zero (OpenFlow 1.5.1, 7.2.3.5).
 */
export interface Parsed {
  readonly value: number | bigint
  readonly mask: number | bigint | undefined
}

const invalid = (field: Field, value: unknown, why: string): CrossportError =>
  new CrossportError('OPENFLOW_VALUE_INVALID', `${field.name}=${String(value)}: ${why}`, {
    fields: { field: field.name, value: String(value) },
  })

/**
 * Reads a FieldValue. A mask of all ones becomes no mask; a mask of zeroes stays, and matches everything.
 * Throws OPENFLOW_VALUE_INVALID for what does not fit the field.
 */
export const parseValue = (field: Field, value: FieldValue): Parsed => {
  if (typeof value === 'number' || typeof value === 'bigint')
    return { value: inRange(field, value, value), mask: undefined }
  const words =
    field.kind === 'ctState' || field.kind === 'tcpFlags' || field.kind === 'frag' ? flags(field, value) : undefined
  if (words !== undefined) return words
  const slash = value.indexOf('/')
  if (slash < 0) return { value: inRange(field, parseWord(field, value), value), mask: undefined }
  const mask = inRange(field, parseMask(field, value.slice(slash + 1)), value)
  if (mask === field.full)
    return { value: inRange(field, parseWord(field, value.slice(0, slash)), value), mask: undefined }
  if (!field.maskable) throw invalid(field, value, 'this field takes no mask')
  return { value: and(inRange(field, parseWord(field, value.slice(0, slash)), value), mask), mask }
}

const inRange = (field: Field, value: number | bigint, shown: unknown): number | bigint => {
  if (field.bits <= 48) {
    const n = typeof value === 'bigint' ? Number(value) : value
    if (n >= 0 && n <= (field.full as number) && Number.isInteger(n)) return n
  } else {
    if (typeof value === 'number' && !Number.isSafeInteger(value)) throw invalid(field, shown, 'not a whole number')
    const n = BigInt(value)
    if (n >= 0n && n <= (field.full as bigint)) return n
  }
  throw invalid(field, shown, `does not fit ${field.bits} bits`)
}

const and = (a: number | bigint, b: number | bigint): number | bigint => {
  if (typeof a === 'bigint' || typeof b === 'bigint') return BigInt(a) & BigInt(b)
  return a <= 0xffffffff && b <= 0xffffffff ? (a & b) >>> 0 : Number(BigInt(a) & BigInt(b))
}

const NUMBER = /^(0x[0-9a-f]+|\d+)$/i

const parseWord = (field: Field, text: string): number | bigint => {
  const parsed =
    field.kind === 'mac'
      ? parseMac(text)
      : field.kind === 'ipv4'
        ? parseIpv4(text)
        : field.kind === 'ipv6'
          ? parseIpv6(text)
          : undefined
  if (parsed !== undefined) return parsed
  if (!NUMBER.test(text)) throw invalid(field, text, 'not a value of this field')
  return field.bits <= 48 ? Number(text) : BigInt(text)
}

const parseMask = (field: Field, text: string): number | bigint => {
  if ((field.kind !== 'ipv4' && field.kind !== 'ipv6') || !/^\d+$/.test(text)) return parseWord(field, text)
  const length = Number(text)
  if (length > field.bits) throw invalid(field, text, 'prefix too long')
  if (field.kind === 'ipv4') return length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0
  return ((1n << BigInt(length)) - 1n) << BigInt(128 - length)
}

/** Value of a hexadecimal digit, or a number above 15. */
const digit = (code: number): number => {
  if (code >= 48 && code <= 57) return code - 48
  const lower = code | 32
  return lower >= 97 && lower <= 102 ? lower - 87 : 99
}

const parseMac = (text: string): number | undefined => {
  if (text.length !== 17) return undefined
  let value = 0
  for (let i = 0; i < 17; i += 3) {
    const high = digit(text.charCodeAt(i))
    const low = digit(text.charCodeAt(i + 1))
    if (high > 15 || low > 15 || (i < 15 && text.charCodeAt(i + 2) !== 58)) return undefined
    value = value * 256 + high * 16 + low
  }
  return value
}

const parseIpv4 = (text: string): number | undefined => {
  let value = 0
  let octet = -1
  let dots = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === 46) {
      if (octet < 0) return undefined
      value = value * 256 + octet
      octet = -1
      dots++
    } else if (code >= 48 && code <= 57) {
      octet = (octet < 0 ? 0 : octet * 10) + code - 48
      if (octet > 255) return undefined
    } else return undefined
  }
  return dots === 3 && octet >= 0 ? value * 256 + octet : undefined
}

/** Names of the bits, lowest first (ovs-fields(7), ct_state and tcp_flags). */
const BITS = {
  ctState: ['new', 'est', 'rel', 'rpl', 'inv', 'trk', 'snat', 'dnat'],
  tcpFlags: ['fin', 'syn', 'rst', 'psh', 'ack', 'urg', 'ece', 'cwr', 'ns', '[200]', '[400]', '[800]'],
} as const

/** nw_frag of ovs-fields(7): bit 0 marks a fragment, bit 1 a fragment other than the first. */
const FRAG: Readonly<Record<string, Parsed>> = {
  no: { value: 0, mask: undefined },
  yes: { value: 1, mask: 1 },
  first: { value: 1, mask: undefined },
  later: { value: 3, mask: undefined },
  not_later: { value: 0, mask: 2 },
}

/** Reads `+trk-new` and the words of nw_frag; undefined when the text has another form. */
const flags = (field: Field, text: string): Parsed | undefined => {
  if (field.kind === 'frag') return FRAG[text]
  if (!/^[+-]/.test(text)) return undefined
  const names: readonly string[] = field.kind === 'ctState' ? BITS.ctState : BITS.tcpFlags
  let value = 0
  let mask = 0
  for (const [, sign, name] of text.matchAll(/([+-])([^+-]*)/g)) {
    const bit = names.indexOf(name!)
    if (bit < 0) throw invalid(field, text, `${name} is not a flag`)
    if ((mask >>> bit) & 1) throw invalid(field, text, `${name} is given twice`)
    mask |= 1 << bit
    if (sign === '+') value |= 1 << bit
  }
  return { value, mask }
}

/** The FieldValue of decoded numbers; the decoder writes a value only in this form. */
export const toFieldValue = (field: Field, { value, mask }: Parsed): FieldValue => {
  if (field.kind === 'mac')
    return formatMac(value as number) + (mask === undefined ? '' : `/${formatMac(mask as number)}`)
  if (field.kind === 'ipv4') return formatIpv4(value as number) + formatMask4(mask)
  if (field.kind === 'ipv6') return formatIpv6(value as bigint) + formatMask6(mask)
  if (mask !== undefined) return `${hex(value)}/${hex(mask)}`
  return typeof value === 'bigint' && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value
}

export const hex = (value: number | bigint): string => `0x${value.toString(16)}`

const PAIRS: readonly string[] = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'))

export const formatMac = (value: number): string => {
  const high = Math.floor(value / 0x1000000)
  const low = value % 0x1000000
  return `${PAIRS[high >>> 16]}:${PAIRS[(high >>> 8) & 255]}:${PAIRS[high & 255]}:${PAIRS[low >>> 16]}:${PAIRS[(low >>> 8) & 255]}:${PAIRS[low & 255]}`
}

export const formatIpv4 = (value: number): string =>
  `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`

const formatMask4 = (mask: number | bigint | undefined): string => {
  if (mask === undefined) return ''
  const inverse = ~Number(mask) >>> 0
  const prefix = (inverse & (inverse + 1)) === 0
  return prefix ? `/${Math.clz32(inverse)}` : `/${formatIpv4(Number(mask))}`
}

const formatMask6 = (mask: number | bigint | undefined): string => {
  if (mask === undefined) return ''
  const inverse = BigInt(mask) ^ ((1n << 128n) - 1n)
  const prefix = (inverse & (inverse + 1n)) === 0n
  return prefix ? `/${128 - (inverse === 0n ? 0 : inverse.toString(2).length)}` : `/${formatIpv6(BigInt(mask))}`
}

/** ovs-ofctl's text of a value. */
export const valueText = (field: Field, { value, mask }: Parsed): string => {
  switch (field.kind) {
    case 'port':
      return portText(value as number)
    case 'ctState':
    case 'tcpFlags':
      return flagText(field, value as number, mask as number | undefined)
    case 'frag':
      return fragText(value as number, mask as number | undefined)
    case 'hex':
      return mask === undefined ? hexText(value) : `${hexText(value)}/${hexText(mask)}`
    case 'dec':
      return mask === undefined ? value.toString() : `${hex(value)}/${hex(mask)}`
    default:
      return toFieldValue(field, { value, mask }) as string
  }
}

export const hexText = (value: number | bigint): string => (value === 0 || value === 0n ? '0' : hex(value))

const flagText = (field: Field, value: number, mask: number | undefined): string => {
  const names: readonly string[] = field.kind === 'ctState' ? BITS.ctState : BITS.tcpFlags
  const bits = bitsIn(mask ?? value)
  const name = (bit: number): string => names[bit] ?? `[${((1 << bit) >>> 0).toString(16)}]`
  if (mask === undefined) return bits.length === 0 ? '0' : bits.map(name).join('|')
  return bits.map(bit => ((value >>> bit) & 1 ? '+' : '-') + name(bit)).join('')
}

const bitsIn = (value: number): number[] =>
  Array.from({ length: 32 }, (_, bit) => bit).filter(bit => (value >>> bit) & 1)

const fragText = (value: number, mask: number | undefined): string => {
  for (const [word, form] of Object.entries(FRAG)) if (form.value === value && form.mask === mask) return word
  return mask === undefined ? hex(value) : `${hex(value)}/${hex(mask)}`
}

/** Names of reserved ports as ovs-ofctl prints them. */
const PORT_NAMES: ReadonlyMap<number, string> = new Map([
  [0xfffffff8, 'IN_PORT'],
  [0xfffffff9, 'TABLE'],
  [0xfffffffa, 'NORMAL'],
  [0xfffffffb, 'FLOOD'],
  [0xfffffffc, 'ALL'],
  [0xfffffffd, 'CONTROLLER'],
  [0xfffffffe, 'LOCAL'],
  [0xffffffff, 'ANY'],
])

export const portText = (port: number): string => PORT_NAMES.get(port) ?? port.toString()
