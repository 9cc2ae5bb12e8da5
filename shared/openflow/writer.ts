import { CrossportError } from '../errors.ts'

/**
 * A growing buffer into which messages are written, one after the other. An encoder of many messages keeps one and takes
 * `written` at the end.
 */
export interface Writer {
  bytes: Buffer
  /** Place of the next byte. */
  at: number
}

export const createWriter = (capacity = 512): Writer => ({ bytes: Buffer.allocUnsafe(capacity), at: 0 })

/** Everything that was written, without a copy: the writer must not be used afterwards. */
export const written = (w: Writer): Buffer => w.bytes.subarray(0, w.at)

const grow = (w: Writer, count: number): void => {
  const bytes = Buffer.allocUnsafe(Math.max(w.bytes.length * 2, w.at + count))
  w.bytes.copy(bytes, 0, 0, w.at)
  w.bytes = bytes
}

const outOfRange = (what: string, value: unknown, least: number, most: number | bigint): CrossportError =>
  new CrossportError('OPENFLOW_VALUE_INVALID', `${what} ${String(value)}: it must be ${least} to ${most}`, {
    fields: { field: what, value: String(value) },
  })

/** Returns the number when it is whole and between the two. Throws OPENFLOW_VALUE_INVALID. */
export const within = (value: number, least: number, most: number, what: string): number => {
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw outOfRange(what, value, least, most)
}

/**
 * Numbers are written unchanged or refused, never truncated. `what` names the field in the error (OPENFLOW_VALUE_INVALID); it is
 * left out where the number is a constant of the protocol.
 */
export const u8 = (w: Writer, value: number, what = 'a number of 8 bits'): void => {
  if ((value & 0xff) !== value) throw outOfRange(what, value, 0, 0xff)
  if (w.at + 1 > w.bytes.length) grow(w, 1)
  w.bytes[w.at++] = value
}

export const u16 = (w: Writer, value: number, what = 'a number of 16 bits'): void => {
  if ((value & 0xffff) !== value) throw outOfRange(what, value, 0, 0xffff)
  if (w.at + 2 > w.bytes.length) grow(w, 2)
  w.bytes[w.at] = value >>> 8
  w.bytes[w.at + 1] = value
  w.at += 2
}

export const u32 = (w: Writer, value: number, what = 'a number of 32 bits'): void => {
  if (value >>> 0 !== value) throw outOfRange(what, value, 0, 0xffffffff)
  if (w.at + 4 > w.bytes.length) grow(w, 4)
  w.bytes[w.at] = value >>> 24
  w.bytes[w.at + 1] = value >>> 16
  w.bytes[w.at + 2] = value >>> 8
  w.bytes[w.at + 3] = value
  w.at += 4
}

const FULL64 = 0xffffffffffffffffn

export const u64 = (w: Writer, value: bigint, what = 'a number of 64 bits'): void => {
  if (value < 0n || value > FULL64) throw outOfRange(what, value, 0, FULL64)
  if (w.at + 8 > w.bytes.length) grow(w, 8)
  w.bytes.writeBigUInt64BE(value, w.at)
  w.at += 8
}

/**
 * Writes a field's value, already in range (value.ts): 1 to 16 bytes, big-endian; a `number` for up to 6 bytes, a `bigint` for
 * more.
 */
export const uint = (w: Writer, value: number | bigint, bytes: number): void => {
  if (typeof value === 'bigint') {
    if (bytes === 16) u64(w, value >> 64n)
    u64(w, value & FULL64)
  } else if (bytes === 4) u32(w, value)
  else if (bytes === 2) u16(w, value)
  else if (bytes === 1) u8(w, value)
  else {
    if (w.at + bytes > w.bytes.length) grow(w, bytes)
    w.bytes.writeUIntBE(value, w.at, bytes)
    w.at += bytes
  }
}

export const zeros = (w: Writer, count: number): void => {
  if (w.at + count > w.bytes.length) grow(w, count)
  w.bytes.fill(0, w.at, w.at + count)
  w.at += count
}

export const raw = (w: Writer, data: Uint8Array): void => {
  if (w.at + data.length > w.bytes.length) grow(w, data.length)
  w.bytes.set(data, w.at)
  w.at += data.length
}

/** Writes zeroes until the structure that began at `start` is a multiple of 8 bytes long. */
export const pad8 = (w: Writer, start: number): void => {
  const odd = (w.at - start) % 8
  if (odd !== 0) zeros(w, 8 - odd)
}

/** Writes a length into the two bytes at `at` afterwards. Throws OPENFLOW_VALUE_INVALID above 65535. */
export const setLength = (w: Writer, at: number, length: number): void => {
  if (length > 0xffff)
    throw new CrossportError('OPENFLOW_VALUE_INVALID', `${length} bytes do not fit one OpenFlow message (65535)`)
  w.bytes.writeUInt16BE(length, at)
}
