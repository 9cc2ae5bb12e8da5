import { CrossportError } from '../errors.ts'
import { fieldNamed, fieldOfHeader } from './fields.ts'
import { fromPort16, tableOf, toPort16 } from './numbers.ts'
import { type Bits, bitsOf, NXM_IN_PORT, nxmId, subfieldOf, subfieldText } from './subfield.ts'
import type { Action, FieldValue, LearnSpec, Subfield } from './types.ts'
import { parseValue, toFieldValue } from './value.ts'
import { u8, u16, u32, u64, type Writer, zeros } from './writer.ts'

/**
 * The body of NXAST_LEARN (Open vSwitch, lib/ofp-actions.c, struct nx_action_learn). Each spec is 16 bits: destination
 * (bits 11 and 12), source (bit 13: an immediate value), number of bits; then source and destination.
 */
const IMMEDIATE = 1 << 13
const DST = { match: 0, load: 1 << 11, output: 2 << 11 } as const
const BITS = 0x7ff
/** NX_LEARN_F_DELETE_LEARNED */
const DELETE_LEARNED = 2

type Learn = Action & { type: 'learn' }

/** Throws OPENFLOW_VALUE_INVALID. */
export const writeLearn = (w: Writer, learn: Learn): void => {
  u16(w, learn.idleTimeout ?? 0, 'learn idle_timeout')
  u16(w, learn.hardTimeout ?? 0, 'learn hard_timeout')
  u16(w, learn.priority, 'learn priority')
  u64(w, learn.cookie, 'learn cookie')
  u16(w, learn.deleteLearned === true ? DELETE_LEARNED : 0)
  u8(w, tableOf(learn.table, 'learn table'))
  zeros(w, 5)
  for (const spec of learn.specs) writeSpec(w, spec)
}

const writeSpec = (w: Writer, spec: LearnSpec): void => {
  if (spec.type === 'output') {
    const src = bitsOf(spec.src)
    u16(w, DST.output | src.bits)
    writeBits(w, spec.src)
    return
  }
  const dst = bitsOf(spec.dst)
  if ('value' in spec.src) {
    u16(w, DST[spec.type] | IMMEDIATE | dst.bits)
    writeImmediate(w, immediateOf(spec.dst, dst, spec.src.value), dst.bits)
  } else {
    const src = bitsOf(spec.src)
    if (src.bits !== dst.bits)
      throw new CrossportError('OPENFLOW_VALUE_INVALID', `learn from ${src.bits} bits to ${dst.bits} bits`)
    u16(w, DST[spec.type] | dst.bits)
    writeBits(w, spec.src)
  }
  writeBits(w, spec.dst)
}

const writeBits = (w: Writer, subfield: Subfield): void => {
  const bits = bitsOf(subfield)
  u32(w, nxmId(bits))
  u16(w, bits.offset)
}

/** A given value, not taken from the packet. It has the width of its destination, and no mask. */
const immediateOf = (dst: Subfield, { field, bits }: Bits, given: FieldValue): bigint => {
  const { value, mask } = parseValue(field, given)
  const most = (1n << BigInt(bits)) - 1n
  const number = BigInt(field.name === 'in_port' ? toPort16(Number(value), 'learn in_port') : value)
  if (mask === undefined && number <= most) return number
  const why = mask === undefined ? `it must be 0 to ${most}` : 'it must have no mask'
  throw new CrossportError('OPENFLOW_VALUE_INVALID', `learn ${subfieldText(dst)} ${given}: ${why}`)
}

/** Writes a value in as few 16-bit words as it needs. */
const writeImmediate = (w: Writer, value: bigint, bits: number): void => {
  for (let word = Math.ceil(bits / 16) - 1; word >= 0; word--) u16(w, Number((value >> BigInt(16 * word)) & 0xffffn))
}

/** Undefined when LearnSpec cannot express the action. `at` is where the action begins. */
export const readLearn = (bytes: Buffer, at: number, end: number): Learn | undefined => {
  const flags = bytes.readUInt16BE(at + 24)
  const finTimeouts = bytes.readUInt32BE(at + 28)
  if ((flags & ~DELETE_LEARNED) !== 0 || finTimeouts !== 0) return undefined
  const idleTimeout = bytes.readUInt16BE(at + 10)
  const hardTimeout = bytes.readUInt16BE(at + 12)
  const specs: LearnSpec[] = []
  let p = at + 32
  while (p + 2 <= end && bytes.readUInt16BE(p) !== 0) {
    const read = readSpec(bytes, p, end)
    if (read === undefined) return undefined
    specs.push(read.spec)
    p = read.end
  }
  return {
    type: 'learn',
    table: bytes[at + 26]!,
    priority: bytes.readUInt16BE(at + 14),
    cookie: bytes.readBigUInt64BE(at + 16),
    ...(idleTimeout === 0 ? {} : { idleTimeout }),
    ...(hardTimeout === 0 ? {} : { hardTimeout }),
    ...((flags & DELETE_LEARNED) === 0 ? {} : { deleteLearned: true }),
    specs,
  }
}

const readSpec = (bytes: Buffer, at: number, end: number): { spec: LearnSpec; end: number } | undefined => {
  const header = bytes.readUInt16BE(at)
  const bits = header & BITS
  const kind = header & ~(BITS | IMMEDIATE)
  const immediate = (header & IMMEDIATE) !== 0
  const sourceBytes = immediate ? 2 * Math.ceil(bits / 16) : 6
  const next = at + 2 + sourceBytes + (kind === DST.output ? 0 : 6)
  if (next > end || bits === 0) return undefined
  if (kind === DST.output) {
    const src = immediate ? undefined : readBits(bytes, at + 2, bits)
    return src && { spec: { type: 'output', src }, end: next }
  }
  if (kind !== DST.match && kind !== DST.load) return undefined
  const dst = readBits(bytes, next - 6, bits)
  const src = immediate ? readImmediate(bytes, at + 2, bits, next - 6) : readBits(bytes, at + 2, bits)
  if (dst === undefined || src === undefined) return undefined
  return { spec: { type: kind === DST.match ? 'match' : 'load', dst, src }, end: next }
}

const readBits = (bytes: Buffer, at: number, bits: number): Subfield | undefined =>
  subfieldOf(bytes.readUInt32BE(at), bytes.readUInt16BE(at + 4), bits)

const readImmediate = (bytes: Buffer, at: number, bits: number, dst: number): { value: FieldValue } | undefined => {
  const header = bytes.readUInt32BE(dst)
  const field = header === NXM_IN_PORT ? fieldNamed('in_port') : fieldOfHeader(header)
  if (field === undefined) return undefined
  let value = 0n
  for (let i = 0; i < Math.ceil(bits / 16); i++) value = (value << 16n) | BigInt(bytes.readUInt16BE(at + 2 * i))
  if (field.name === 'in_port') return { value: fromPort16(Number(value)) }
  if (value > BigInt(field.full)) return undefined
  return { value: toFieldValue(field, { value: field.bits <= 48 ? Number(value) : value, mask: undefined }) }
}
