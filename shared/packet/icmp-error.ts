/**
 * ICMP errors (RFC 792) about a packet that a VIP has sent. The packet they cite has the VIP's port as its source, which
 * the real server's socket does not know: the cited port has to be translated as the packet's own was, or path MTU
 * discovery (RFC 1191) fails behind every load balancer that translates ports and lets replies go past it.
 */

/** Types of errors that cite a packet: destination unreachable, time exceeded, parameter problem (RFC 1122, 3.2.2). */
export const ICMP_ERROR_TYPES = [3, 11, 12] as const

export interface IcmpError {
  readonly type: number
  /** Of type 3, code 4: fragmentation needed, and the MTU of the next hop in bytes. */
  readonly code: number
  /** To whom the error is sent. */
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
}

interface Layout {
  readonly ip: number
  readonly icmp: number
  /** End of the IP packet; padding follows. */
  readonly end: number
  readonly citedIp: number
  readonly citedPorts: number
}

const ETHERNET = 14
const TAG = 4
const PROTOCOLS: Readonly<Record<number, 'tcp' | 'udp'>> = { 6: 'tcp', 17: 'udp' }

/** Undefined for any other frame, for a fragment, and for an error that cites too little (less than 8 bytes above IP). */
export function parseIcmpError(frame: Uint8Array): IcmpError | undefined {
  const bytes = viewOf(frame)
  const layout = layoutOf(bytes)
  if (layout === undefined) return undefined
  const { ip, icmp, citedIp, citedPorts } = layout
  const protocol = PROTOCOLS[bytes.getUint8(citedIp + 9)]
  if (protocol === undefined) return undefined
  return {
    type: bytes.getUint8(icmp),
    code: bytes.getUint8(icmp + 1),
    to: address(bytes, ip + 16),
    cited: {
      protocol,
      src: address(bytes, citedIp + 12),
      srcPort: bytes.getUint16(citedPorts),
      dst: address(bytes, citedIp + 16),
      dstPort: bytes.getUint16(citedPorts + 2),
    },
    tagged: ip > ETHERNET,
  }
}

/**
 * A copy of the frame with another source port in the cited packet. The cited transport checksum, where it is cited at
 * all, and the ICMP checksum are updated (RFC 1624). Throws RangeError for a frame that parseIcmpError does not know.
 */
export function withCitedSourcePort(frame: Uint8Array, port: number): Uint8Array {
  const copy = Uint8Array.from(frame)
  const bytes = viewOf(copy)
  const layout = layoutOf(bytes)
  if (layout === undefined) throw new RangeError('not an ICMP error')
  const { icmp, end, citedIp, citedPorts } = layout
  const before = bytes.getUint16(citedPorts)
  bytes.setUint16(citedPorts, port)
  amend(bytes, icmp + 2, before, port)
  const udp = bytes.getUint8(citedIp + 9) === 17
  const checksumAt = citedPorts + (udp ? 6 : 16)
  // A UDP checksum of 0 says that there is none (RFC 768).
  if (checksumAt + 2 > end || (udp && bytes.getUint16(checksumAt) === 0)) return copy
  const old = bytes.getUint16(checksumAt)
  amend(bytes, checksumAt, before, port)
  if (udp && bytes.getUint16(checksumAt) === 0) bytes.setUint16(checksumAt, 0xffff)
  amend(bytes, icmp + 2, old, bytes.getUint16(checksumAt))
  return copy
}

/** A checksum after one 16-bit word has changed (RFC 1624, equation 3). */
function amend(bytes: DataView, at: number, before: number, after: number): void {
  let sum = (~bytes.getUint16(at) & 0xffff) + (~before & 0xffff) + after
  sum = (sum & 0xffff) + (sum >>> 16)
  sum = (sum & 0xffff) + (sum >>> 16)
  bytes.setUint16(at, ~sum & 0xffff)
}

/** Nothing in the frame is trusted: every length is checked against what is there. */
function layoutOf(bytes: DataView): Layout | undefined {
  if (bytes.byteLength < ETHERNET + TAG) return undefined
  const ip = bytes.getUint16(12) === 0x8100 ? ETHERNET + TAG : ETHERNET
  if (bytes.getUint16(ip - 2) !== 0x0800) return undefined
  const header = ipv4(bytes, ip, bytes.byteLength)
  if (header === undefined || bytes.getUint8(ip + 9) !== 1) return undefined
  const end = ip + bytes.getUint16(ip + 2)
  const icmp = header
  if (end > bytes.byteLength || icmp + 8 > end) return undefined
  if (!(ICMP_ERROR_TYPES as readonly number[]).includes(bytes.getUint8(icmp))) return undefined
  const citedIp = icmp + 8
  const citedPorts = ipv4(bytes, citedIp, end)
  if (citedPorts === undefined || citedPorts + 8 > end) return undefined
  return { ip, icmp, end, citedIp, citedPorts }
}

/** Where the payload of an unfragmented IPv4 packet (or the first fragment of one) begins; undefined: it is none. */
function ipv4(bytes: DataView, at: number, end: number): number | undefined {
  if (at + 20 > end) return undefined
  const first = bytes.getUint8(at)
  const length = (first & 0xf) * 4
  if (first >> 4 !== 4 || length < 20 || at + length > end) return undefined
  if ((bytes.getUint16(at + 6) & 0x1fff) !== 0) return undefined
  return at + length
}

function address(bytes: DataView, at: number): string {
  return [0, 1, 2, 3].map(i => bytes.getUint8(at + i)).join('.')
}

function viewOf(frame: Uint8Array): DataView {
  return new DataView(frame.buffer, frame.byteOffset, frame.byteLength)
}
