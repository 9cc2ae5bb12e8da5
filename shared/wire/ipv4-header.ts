import { checksum } from './checksum.ts'
import type { HeaderFormat } from './types.ts'

/** RFC 791, 3.1. */
export const ipv4Header: HeaderFormat = {
  read: (bytes, at) => {
    if (bytes.length < at + 20) return undefined
    const length = (bytes[at]! & 0xf) * 4
    if (bytes[at]! >> 4 !== 4 || length < 20 || bytes.length < at + length) return undefined
    return {
      protocol: bytes[at + 9]!,
      src: bytes.subarray(at + 12, at + 16),
      dst: bytes.subarray(at + 16, at + 20),
      payload: at + length,
      end: at + bytes.readUInt16BE(at + 2),
      first: (bytes.readUInt16BE(at + 6) & 0x1fff) === 0,
    }
  },
  write: ({ src, dst }, protocol, length) => {
    const header = Buffer.alloc(20)
    header[0] = 0x45
    header.writeUInt16BE(20 + length, 2)
    header[8] = 64
    header[9] = protocol
    src.copy(header, 12)
    dst.copy(header, 16)
    header.writeUInt16BE(checksum(header), 10)
    return header
  },
  resize: (bytes, at, end) => {
    bytes.writeUInt16BE(end - at, at + 2)
    bytes.writeUInt16BE(0, at + 10)
    bytes.writeUInt16BE(checksum(bytes.subarray(at, at + (bytes[at]! & 0xf) * 4)), at + 10)
  },
  // RFC 9293, 3.1.
  pseudo: ({ src, dst }, protocol, length) =>
    Buffer.concat([src, dst, Buffer.from([0, protocol, length >> 8, length & 0xff])]),
}
