import { familyOfBytes } from '../net/family.ts'
import { PROTOCOL } from '../net/match.ts'
import type { Family } from '../net/types.ts'
import { checksum } from '../wire/checksum.ts'
import type { Addresses } from '../wire/types.ts'
import { ipPacket, packetIn } from './ip.ts'

/** Bytes of a TCP header without options. */
const HEADER = 20

export const TCP_FLAG = { FIN: 1, SYN: 2, RST: 4, ACK: 16 } as const

export interface TcpHeader {
  readonly srcPort: number
  readonly dstPort: number
  readonly sequence: number
  readonly acknowledgment: number
  /** Sum of TCP_FLAG values. */
  readonly flags: number
}

/** The header of a TCP segment, with the addresses of its packet. */
export interface Segment extends TcpHeader, Addresses {}

/** A packet with a TCP segment without options and data (RFC 9293, 3.1), and a window of 0. */
export function tcpPacket(addresses: Addresses, header: TcpHeader): Buffer {
  const segment = Buffer.alloc(HEADER)
  segment.writeUInt16BE(header.srcPort, 0)
  segment.writeUInt16BE(header.dstPort, 2)
  segment.writeUInt32BE(header.sequence, 4)
  segment.writeUInt32BE(header.acknowledgment, 8)
  segment[12] = (HEADER / 4) << 4
  segment[13] = header.flags
  seal(familyOfBytes(addresses.src), addresses, segment)
  return ipPacket(addresses, PROTOCOL.tcp, segment)
}

/**
 * Reads an Ethernet frame, with a VLAN tag or without, that may be cut off after the TCP header. Undefined for anything else, and
 * for a data offset below the least header (RFC 9293, 3.1), which the switch lets pass.
 */
export function segmentOf(data: Uint8Array): Segment | undefined {
  const packet = packetIn(data)
  if (packet === undefined) return undefined
  const { frame, header } = packet
  const { src, dst, payload: tcp } = header
  if (header.protocol !== PROTOCOL.tcp || !header.first || frame.length < tcp + HEADER) return undefined
  if (frame[tcp + 12]! >> 4 < HEADER / 4) return undefined
  return {
    src,
    dst,
    srcPort: frame.readUInt16BE(tcp),
    dstPort: frame.readUInt16BE(tcp + 2),
    sequence: frame.readUInt32BE(tcp + 4),
    acknowledgment: frame.readUInt32BE(tcp + 8),
    flags: frame[tcp + 13]!,
  }
}

/**
 * The same segment without data, as a plain ACK: Ethernet, VLAN tag, addresses, window and options stay. The frame may be cut off
 * after the TCP header. Throws RangeError for a frame that `segmentOf` does not accept.
 */
export function withoutPayload(data: Uint8Array): Buffer {
  const packet = packetIn(data)
  if (packet === undefined) throw new RangeError('no IP packet')
  const { family, ip, header } = packet
  const tcp = header.payload
  const end = Math.min(tcp + (data[tcp + 12]! >> 4) * 4, data.length)
  const frame = Buffer.from(data.subarray(0, end))
  family.header.resize(frame, ip, end)
  const segment = frame.subarray(tcp)
  segment[13] = TCP_FLAG.ACK
  seal(family, header, segment)
  return frame
}

function seal({ header }: Family, addresses: Addresses, segment: Buffer): void {
  segment.writeUInt16BE(0, 16)
  segment.writeUInt16BE(checksum(Buffer.concat([header.pseudo(addresses, PROTOCOL.tcp, segment.length), segment])), 16)
}
