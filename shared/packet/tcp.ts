import { checksum, TCP_FLAG } from './ipv4.ts'

/** Bytes of a TCP header without options. */
const HEADER = 20

/** A TCP segment's beginning, with the addresses of its IPv4 packet (four bytes each). */
export interface Segment {
  readonly src: Buffer
  readonly dst: Buffer
  readonly srcPort: number
  readonly dstPort: number
  readonly sequence: number
  readonly acknowledgment: number
  readonly flags: number
}

/**
 * Of an Ethernet frame that may be cut off behind the TCP header, with a VLAN tag or without. Undefined for anything else,
 * and for a header that says it is shorter than one can be (RFC 9293, 3.1, data offset): the switch lets it pass.
 */
export function segmentOf(data: Uint8Array): Segment | undefined {
  const frame = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  const ip = frame.length >= 18 && frame.readUInt16BE(12) === 0x8100 ? 18 : 14
  if (frame.length < ip + 20 || frame.readUInt16BE(ip - 2) !== 0x0800) return undefined
  const tcp = ip + (frame[ip]! & 0x0f) * 4
  const first = (frame.readUInt16BE(ip + 6) & 0x1fff) === 0
  if (frame[ip + 9] !== 6 || !first || tcp < ip + 20 || frame.length < tcp + HEADER) return undefined
  if (frame[tcp + 12]! >> 4 < HEADER / 4) return undefined
  return {
    src: frame.subarray(ip + 12, ip + 16),
    dst: frame.subarray(ip + 16, ip + 20),
    srcPort: frame.readUInt16BE(tcp),
    dstPort: frame.readUInt16BE(tcp + 2),
    sequence: frame.readUInt32BE(tcp + 4),
    acknowledgment: frame.readUInt32BE(tcp + 8),
    flags: frame[tcp + 13]!,
  }
}

/**
 * The same segment without data, as a plain ACK: Ethernet, VLAN tag, addresses, window and options stay. The frame may be cut
 * off behind the TCP header. Throws RangeError for what `segmentOf` does not take.
 */
export function withoutPayload(data: Uint8Array): Buffer {
  const ip = Buffer.from(data.buffer, data.byteOffset, data.byteLength).readUInt16BE(12) === 0x8100 ? 18 : 14
  const tcp = ip + (data[ip]! & 0x0f) * 4
  const end = Math.min(tcp + (data[tcp + 12]! >> 4) * 4, data.length)
  const frame = Buffer.from(data.subarray(0, end))
  frame.writeUInt16BE(end - ip, ip + 2)
  frame.writeUInt16BE(0, ip + 10)
  frame.writeUInt16BE(checksum(frame.subarray(ip, tcp)), ip + 10)
  frame[tcp + 13] = TCP_FLAG.ACK
  frame.writeUInt16BE(0, tcp + 16)
  const pseudo = Buffer.concat([
    frame.subarray(ip + 12, ip + 20),
    Buffer.from([0, 6, 0, end - tcp]),
    frame.subarray(tcp),
  ])
  frame.writeUInt16BE(checksum(pseudo), tcp + 16)
  return frame
}
