import { CrossportError } from '../errors.ts'

/**
 * XDR (RFC 4506), as far as libvirt's protocol uses it: big-endian, every item a multiple of four bytes. A codec reads and writes
 * one type; larger codecs consist of smaller ones. Reading is bounded: a length in the data may exceed neither the data nor the
 * type's own maximum.
 */
export interface Codec<T> {
  read(reader: XdrReader): T
  write(writer: XdrWriter, value: T): void
}

export interface XdrReader {
  readonly bytes: Buffer
  offset: number
}

export interface XdrWriter {
  readonly parts: Buffer[]
}

export function xdrReader(bytes: Buffer, offset = 0): XdrReader {
  return { bytes, offset }
}

/** Decodes one value that must fill `bytes` exactly. Throws LIBVIRT_PROTOCOL. */
export function decode<T>(codec: Codec<T>, bytes: Buffer, offset = 0): T {
  const reader = xdrReader(bytes, offset)
  const value = codec.read(reader)
  const rest = bytes.length - reader.offset
  if (rest !== 0) throw malformed(`${rest} bytes too many`)
  return value
}

export function encode<T>(codec: Codec<T>, value: T): Buffer {
  const writer: XdrWriter = { parts: [] }
  codec.write(writer, value)
  return Buffer.concat(writer.parts)
}

export function malformed(what: string): CrossportError {
  return new CrossportError('LIBVIRT_PROTOCOL', `malformed message from libvirtd: ${what}`)
}

/** Takes the next `length` bytes and the padding to four, which must be zero (RFC 4506, 3). */
function take(reader: XdrReader, length: number): Buffer {
  const padded = (length + 3) & ~3
  const { bytes, offset } = reader
  if (padded > bytes.length - offset) throw malformed(`${padded} bytes wanted, ${bytes.length - offset} left`)
  for (let i = offset + length; i < offset + padded; i++) if (bytes[i] !== 0) throw malformed('padding is not zero')
  reader.offset += padded
  return bytes.subarray(offset, offset + length)
}

function put(writer: XdrWriter, bytes: Buffer): void {
  writer.parts.push(bytes)
  const rest = bytes.length & 3
  if (rest !== 0) writer.parts.push(Buffer.alloc(4 - rest))
}

export const uint: Codec<number> = {
  read: reader => take(reader, 4).readUInt32BE(0),
  write: (writer, value) => {
    const bytes = Buffer.allocUnsafe(4)
    bytes.writeUInt32BE(value)
    writer.parts.push(bytes)
  },
}

export const int: Codec<number> = {
  read: reader => take(reader, 4).readInt32BE(0),
  write: (writer, value) => {
    const bytes = Buffer.allocUnsafe(4)
    bytes.writeInt32BE(value)
    writer.parts.push(bytes)
  },
}

export const nothing: Codec<void> = { read: () => {}, write: () => {} }

/** Counted bytes read as UTF-8; `max` in bytes. */
export function string(max: number): Codec<string> {
  return {
    read: reader => {
      const length = uint.read(reader)
      if (length > max) throw malformed(`string of ${length} bytes, ${max} at most`)
      return take(reader, length).toString('utf8')
    },
    write: (writer, value) => {
      const bytes = Buffer.from(value, 'utf8')
      if (bytes.length > max) throw new RangeError(`string of ${bytes.length} bytes, ${max} at most`)
      uint.write(writer, bytes.length)
      put(writer, bytes)
    },
  }
}

/** `length` opaque bytes as lower-case hexadecimal digits. */
export function hex(length: number): Codec<string> {
  return {
    read: reader => take(reader, length).toString('hex'),
    write: (writer, value) => {
      const bytes = Buffer.from(value, 'hex')
      if (bytes.length !== length) throw new RangeError(`${length} bytes wanted: ${value}`)
      put(writer, bytes)
    },
  }
}

export function optional<T>(codec: Codec<T>): Codec<T | undefined> {
  return {
    read: reader => {
      const present = uint.read(reader)
      if (present > 1) throw malformed(`${present} is no boolean`)
      return present === 1 ? codec.read(reader) : undefined
    },
    write: (writer, value) => {
      uint.write(writer, value === undefined ? 0 : 1)
      if (value !== undefined) codec.write(writer, value)
    },
  }
}

export function array<T>(codec: Codec<T>, max: number): Codec<readonly T[]> {
  return {
    read: reader => {
      const length = uint.read(reader)
      if (length > max) throw malformed(`list of ${length}, ${max} at most`)
      const values: T[] = []
      for (let i = 0; i < length; i++) values.push(codec.read(reader))
      return values
    },
    write: (writer, values) => {
      if (values.length > max) throw new RangeError(`list of ${values.length}, ${max} at most`)
      uint.write(writer, values.length)
      for (const value of values) codec.write(writer, value)
    },
  }
}

/** Reads and writes the fields in the order given. */
export function struct<T extends object>(fields: { readonly [K in keyof T]: Codec<T[K]> }): Codec<T> {
  const entries = Object.entries(fields) as [keyof T, Codec<T[keyof T]>][]
  return {
    read: reader => {
      const value: Partial<T> = {}
      for (const [name, codec] of entries) value[name] = codec.read(reader)
      return value as T
    },
    write: (writer, value) => {
      for (const [name, codec] of entries) codec.write(writer, value[name])
    },
  }
}
