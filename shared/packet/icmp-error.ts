import { textOfBytes } from '../net/family.ts'
import { PROTOCOL } from '../net/match.ts'
import type { Family } from '../net/types.ts'
import type { Header } from '../wire/types.ts'
import { packetIn } from './ip.ts'

/**
 * ICMP errors (RFC 792, RFC 4443) about a packet from a VIP. The packet that they cite has the VIP's port as its source, which
 * the real server's socket does not know. The cited port has to be translated as the packet's own port was, because otherwise
 * path MTU discovery (RFC 1191, RFC 8201) fails behind a load balancer that translates ports and lets replies bypass it.
 */

export interface IcmpError {
  readonly type: number
  readonly code: number
  /** Destination of the error. */
  readonly to: string
  /** The cited packet. */
  readonly cited: {
    readonly protocol: 'tcp' | 'udp'
    readonly src: string
    readonly srcPort: number
    readonly dst: string
    readonly dstPort: number
  }
  /** The frame has a VLAN tag. */
  readonly tagged: boolean
  /** It says that the path takes less than every path does: nobody may make a sender send so small packets. */
  readonly tooSmall: boolean
}

interface Layout {
  readonly frame: Buffer
  readonly family: Family
  readonly tagged: boolean
  readonly to: Buffer
  readonly icmp: number
  /** End of the IP packet; padding follows. */
  readonly end: number
  readonly cited: Header
}

const ETHERNET = 14
const PROTOCOLS: Readonly<Record<number, 'tcp' | 'udp'>> = { [PROTOCOL.tcp]: 'tcp', [PROTOCOL.udp]: 'udp' }

/**
 * Undefined for any other frame, for a fragment, and for an error that cites too little (less than 8 bytes after the IP header).
 */
export function parseIcmpError(frame: Uint8Array): IcmpError | undefined {
  const layout = layoutOf(frame)
  if (layout === undefined) return undefined
  const { frame: bytes, family, tagged, to, icmp, cited } = layout
  const protocol = PROTOCOLS[cited.protocol]
  if (protocol === undefined) return undefined
  return {
    type: bytes.readUInt8(icmp),
    code: bytes.readUInt8(icmp + 1),
    to: textOfBytes(to),
    cited: {
      protocol,
      src: textOfBytes(cited.src),
      srcPort: bytes.readUInt16BE(cited.payload),
      dst: textOfBytes(cited.dst),
      dstPort: bytes.readUInt16BE(cited.payload + 2),
    },
    tagged,
    tooSmall: isTooSmall(family, bytes.subarray(icmp)),
  }
}

/** Also 0, which routers older than RFC 1191 say: a host would have to guess, and may guess as little. */
function isTooSmall({ icmp: { tooBig } }: Family, message: Buffer): boolean {
  const { type, code = message[1], mtu, least } = tooBig
  return message[0] === type && message[1] === code && message.readUIntBE(mtu.at, mtu.bytes) < least
}

/**
 * A copy of the frame with another source port in the cited packet. The ICMP checksum and, where it is cited, the transport
 * checksum are updated (RFC 1624). Throws RangeError for a frame that parseIcmpError does not accept.
 */
export function withCitedSourcePort(frame: Uint8Array, port: number): Uint8Array {
  const copy = Uint8Array.from(frame)
  const layout = layoutOf(copy)
  if (layout === undefined) throw new RangeError('not an ICMP error')
  const { frame: bytes, icmp, end, cited } = layout
  const before = bytes.readUInt16BE(cited.payload)
  bytes.writeUInt16BE(port, cited.payload)
  amend(bytes, icmp + 2, before, port)
  const udp = cited.protocol === PROTOCOL.udp
  const checksumAt = cited.payload + (udp ? 6 : 16)
  // A UDP checksum of 0 means that there is none (RFC 768).
  if (checksumAt + 2 > end || (udp && bytes.readUInt16BE(checksumAt) === 0)) return copy
  const old = bytes.readUInt16BE(checksumAt)
  amend(bytes, checksumAt, before, port)
  if (udp && bytes.readUInt16BE(checksumAt) === 0) bytes.writeUInt16BE(0xffff, checksumAt)
  amend(bytes, icmp + 2, old, bytes.readUInt16BE(checksumAt))
  return copy
}

/** Updates a checksum after a change of one 16-bit word (RFC 1624, equation 3). */
function amend(bytes: Buffer, at: number, before: number, after: number): void {
  let sum = (~bytes.readUInt16BE(at) & 0xffff) + (~before & 0xffff) + after
  sum = (sum & 0xffff) + (sum >>> 16)
  sum = (sum & 0xffff) + (sum >>> 16)
  bytes.writeUInt16BE(~sum & 0xffff, at)
}

/** The frame is not trusted: every length is checked against the bytes that are there. */
function layoutOf(data: Uint8Array): Layout | undefined {
  const packet = packetIn(data)
  if (packet === undefined) return undefined
  const { frame, family, ip, header } = packet
  const { payload: icmp, end } = header
  if (header.protocol !== family.icmp.protocol || !header.first) return undefined
  if (end > frame.length || icmp + 8 > end || !family.icmp.errors.includes(frame[icmp]!)) return undefined
  const cited = family.header.read(frame.subarray(0, end), icmp + 8)
  if (cited === undefined || !cited.first || cited.payload + 8 > end) return undefined
  return { frame, family, tagged: ip > ETHERNET, to: header.dst, icmp, end, cited }
}
