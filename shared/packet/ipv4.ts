/** IPv4 packets as the director makes them. Addresses are four bytes. */

export interface Addresses {
  readonly src: Buffer
  readonly dst: Buffer
}

/** A whole packet: a header without options (RFC 791), TTL 64, and its payload. */
export function ipv4Packet({ src, dst }: Addresses, protocol: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(20)
  header[0] = 0x45
  header.writeUInt16BE(20 + payload.length, 2)
  header[8] = 64
  header[9] = protocol
  src.copy(header, 12)
  dst.copy(header, 16)
  header.writeUInt16BE(checksum(header), 10)
  return Buffer.concat([header, payload])
}

export const TCP_FLAG = { FIN: 1, SYN: 2, RST: 4, ACK: 16 } as const

export interface TcpHeader {
  readonly srcPort: number
  readonly dstPort: number
  readonly sequence: number
  readonly acknowledgment: number
  /** TCP_FLAG, added up. */
  readonly flags: number
}

/** An IPv4 packet with a TCP segment that has neither options nor data (RFC 9293, 3.1), and a window of 0. */
export function tcpPacket(addresses: Addresses, header: TcpHeader): Buffer {
  const segment = Buffer.alloc(20)
  segment.writeUInt16BE(header.srcPort, 0)
  segment.writeUInt16BE(header.dstPort, 2)
  segment.writeUInt32BE(header.sequence, 4)
  segment.writeUInt32BE(header.acknowledgment, 8)
  segment[12] = 5 << 4
  segment[13] = header.flags
  const pseudo = Buffer.concat([addresses.src, addresses.dst, Buffer.from([0, 6, 0, segment.length]), segment])
  segment.writeUInt16BE(checksum(pseudo), 16)
  return ipv4Packet(addresses, 6, segment)
}

/** RFC 1071. */
export function checksum(bytes: Buffer): number {
  let sum = 0
  for (let i = 0; i < bytes.length; i += 2) sum += i + 1 < bytes.length ? bytes.readUInt16BE(i) : bytes[i]! << 8
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}
