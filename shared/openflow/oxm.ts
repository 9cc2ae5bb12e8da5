import { CrossportError } from '../errors.ts'
import { FIELD_LIST, type Field, fieldNamed, fieldOfHeader } from './fields.ts'
import { type Entry, entriesToMatch, matchEntries } from './match.ts'
import type { Match } from './types.ts'
import { pad8, setLength, u16, u32, uint, type Writer } from './writer.ts'

/** OXM TLVs (OpenFlow 1.5.1, 7.2.3.2): class 16, field 7, mask 1, length 8, then value and mask. */

const VLAN_TCI = fieldNamed('vlan_tci')
const REG0 = fieldNamed('reg0')!.index
const XREG0 = fieldNamed('xreg0')!.index

/** Writes one TLV. */
export const writeOxm = (w: Writer, field: Field, value: number | bigint, mask: number | bigint | undefined): void => {
  if (mask === undefined) {
    u32(w, field.header + field.bytes)
    uint(w, value, field.bytes)
  } else {
    u32(w, field.header + 0x100 + 2 * field.bytes)
    uint(w, value, field.bytes)
    uint(w, mask, field.bytes)
  }
}

/** ofp_match with its padding. Throws OPENFLOW_VALUE_INVALID. */
export const writeMatch = (w: Writer, match: Match): void => {
  const entries = matchEntries(match)
  const start = w.at
  u16(w, 1)
  u16(w, 0)
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i]!
    const n = entry.field.index - REG0
    if (n < 0 || n > 15) {
      writeOxm(w, entry.field, entry.value, entry.mask)
      continue
    }
    const next = entries[i + 1]
    const pair = n % 2 === 0 && next?.field.index === entry.field.index + 1 ? next : undefined
    if (pair !== undefined) i++
    writeRegisters(w, n, entry, pair)
  }
  setLength(w, start + 2, w.at - start)
  pad8(w, start)
}

/** Writes two registers as one packet register of OpenFlow 1.5, as Open vSwitch does; the even register is the upper half. */
const writeRegisters = (w: Writer, n: number, entry: Entry, pair: Entry | undefined): void => {
  const even = n % 2 === 0 ? entry : undefined
  const odd = n % 2 === 0 ? pair : entry
  const join = (high: number, low: number): bigint => (BigInt(high) << 32n) | BigInt(low)
  const mask = join(bitsOf(even), bitsOf(odd))
  const value = join(Number(even?.value ?? 0), Number(odd?.value ?? 0))
  writeOxm(w, FIELD_LIST[XREG0 + (n >> 1)]!, value, mask === 0xffffffffffffffffn ? undefined : mask)
}

const bitsOf = (entry: Entry | undefined): number => (entry === undefined ? 0 : Number(entry.mask ?? 0xffffffff))

export interface ReadMatch {
  readonly match: Match
  /** TLVs of unknown fields, in hexadecimal. */
  readonly unknown: string | undefined
  /** Place after the match. */
  readonly end: number
}

/** Reads an ofp_match at `at`. Throws OPENFLOW_MALFORMED when its lengths do not fit. */
export const readMatch = (bytes: Buffer, at: number, limit: number): ReadMatch => {
  const length = at + 4 <= limit ? bytes.readUInt16BE(at + 2) : 0
  const end = at + Math.ceil(length / 8) * 8
  if (length < 4 || end > limit || bytes.readUInt16BE(at) !== 1)
    throw malformed('a match of wrong type or length', bytes, at)
  const entries: Entry[] = []
  let unknown = ''
  let p = at + 4
  while (p < at + length) {
    const size = oxmSize(bytes, p, at + length)
    if (size === undefined) throw malformed('a match field longer than its match', bytes, p)
    const oxm = readOxm(bytes, p, size)
    // A match of ours never has a field twice, nor the older form of the tag, which can express more than the newer one.
    const other = oxm === undefined || oxm.field === VLAN_TCI || entries.some(entry => entry.field === oxm.field)
    if (other) unknown += bytes.toString('hex', p, p + size)
    else if (oxm.mask !== 0 && oxm.mask !== 0n) entries.push(oxm)
    p += size
  }
  return { match: entriesToMatch(entries), unknown: unknown === '' ? undefined : unknown, end }
}

/** Full size of the TLV at `at`; undefined when it does not end before `limit`. */
export const oxmSize = (bytes: Buffer, at: number, limit: number): number | undefined => {
  if (at + 4 > limit) return undefined
  const size = 4 + bytes[at + 3]!
  return at + size > limit ? undefined : size
}

/** Undefined for an unknown field, a field of another width, or a mask where none is allowed. */
export const readOxm = (bytes: Buffer, at: number, size: number): Entry | undefined => {
  const header = bytes.readUInt32BE(at)
  const field = fieldOfHeader(header)
  const masked = (header & 0x100) !== 0
  if (field === undefined || size !== 4 + (masked ? 2 : 1) * field.bytes) return undefined
  const value = readUint(bytes, at + 4, field.bytes)
  if (value > field.full) return undefined
  if (!masked) return { field, value, mask: undefined }
  const mask = readUint(bytes, at + 4 + field.bytes, field.bytes)
  if (mask >= field.full) return { field, value, mask: undefined }
  return field.maskable ? { field, value, mask } : undefined
}

const readUint = (bytes: Buffer, at: number, size: number): number | bigint => {
  if (size <= 6) return bytes.readUIntBE(at, size)
  const low = bytes.readBigUInt64BE(at + size - 8)
  return size === 8 ? low : (bytes.readBigUInt64BE(at) << 64n) | low
}

export const malformed = (what: string, bytes: Buffer, at: number): CrossportError =>
  new CrossportError('OPENFLOW_MALFORMED', `${what}, at byte ${at} of ${bytes.length}`, {
    fields: { BYTES: bytes.toString('hex', Math.max(0, at - 16), at + 32) },
  })
