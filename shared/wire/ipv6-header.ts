import type { HeaderFormat } from './types.ts'

/** Extension headers that may come before a packet's payload (IANA's registry; RFC 8200, section 4). */
const EXTENSION = { hopByHop: 0, routing: 43, fragment: 44, destination: 60 } as const
const EXTENSIONS: ReadonlySet<number> = new Set(Object.values(EXTENSION))

/** RFC 8200, section 3. */
export const ipv6Header: HeaderFormat = {
  read: (bytes, at) => {
    if (bytes.length < at + 40 || bytes[at]! >> 4 !== 6) return undefined
    let protocol = bytes[at + 6]!
    let payload = at + 40
    let first = true
    while (first && EXTENSIONS.has(protocol)) {
      if (bytes.length < payload + 8) return undefined
      // The first 13 bits after the length are the fragment's offset (4.5).
      if (protocol === EXTENSION.fragment) first = bytes.readUInt16BE(payload + 2) >> 3 === 0
      const length = protocol === EXTENSION.fragment ? 8 : (bytes[payload + 1]! + 1) * 8
      protocol = bytes[payload]!
      payload += length
    }
    if (bytes.length < payload) return undefined
    return {
      protocol,
      src: bytes.subarray(at + 8, at + 24),
      dst: bytes.subarray(at + 24, at + 40),
      payload,
      end: at + 40 + bytes.readUInt16BE(at + 4),
      first,
    }
  },
  write: ({ src, dst }, protocol, length) => {
    const header = Buffer.alloc(40)
    header[0] = 0x60
    header.writeUInt16BE(length, 4)
    header[6] = protocol
    header[7] = 64
    src.copy(header, 8)
    dst.copy(header, 24)
    return header
  },
  resize: (bytes, at, end) => {
    bytes.writeUInt16BE(end - at - 40, at + 4)
  },
  // 8.1.
  pseudo: ({ src, dst }, protocol, length) => {
    const rest = Buffer.alloc(8)
    rest.writeUInt32BE(length, 0)
    rest[7] = protocol
    return Buffer.concat([src, dst, rest])
  },
}
