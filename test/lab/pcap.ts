/** A captured frame, as far as tests need it. Addresses are text, MACs in lower case. */
export interface Packet {
  /** Seconds since 1970. */
  readonly time: number
  readonly ethSrc: string
  readonly ethDst: string
  /** Outermost VLAN tag; undefined where there is none. */
  readonly vlan?: number
  readonly etherType: number
  readonly ip?: { readonly src: string; readonly dst: string; readonly protocol: number; readonly ttl: number }
  /** TCP and UDP. */
  readonly ports?: { readonly src: number; readonly dst: number }
  /** TCP only: letters of S F R P A U, in that order. */
  readonly flags?: string
  /** Bytes of TCP or UDP payload. */
  readonly payload?: number
  readonly arp?: {
    /** 1 request, 2 reply (RFC 826). */
    readonly op: number
    readonly sha: string
    readonly spa: string
    readonly tha: string
    readonly tpa: string
  }
  /** Length on the wire. */
  readonly length: number
  readonly bytes: Uint8Array
}

const GLOBAL_HEADER = 24
const RECORD_HEADER = 16

/**
 * Reads a pcap stream (draft-ietf-opsawg-pcap: little-endian, microseconds, Ethernet, as tcpdump writes it here) in chunks;
 * returns the complete packets.
 */
export function pcapReader(): (chunk: Buffer) => Packet[] {
  let rest: Buffer = Buffer.alloc(0)
  let started = false
  return chunk => {
    rest = Buffer.concat([rest, chunk])
    const packets: Packet[] = []
    if (!started) {
      if (rest.length < GLOBAL_HEADER) return packets
      if (rest.readUInt32LE(0) !== 0xa1b2c3d4) throw new Error('not a little-endian pcap stream')
      rest = rest.subarray(GLOBAL_HEADER)
      started = true
    }
    while (rest.length >= RECORD_HEADER) {
      const end = RECORD_HEADER + rest.readUInt32LE(8)
      if (rest.length < end) break
      const time = rest.readUInt32LE(0) + rest.readUInt32LE(4) / 1e6
      packets.push(parseFrame(Buffer.from(rest.subarray(RECORD_HEADER, end)), time, rest.readUInt32LE(12)))
      rest = rest.subarray(end)
    }
    return packets
  }
}

/** Decodes an Ethernet frame (RFC 894, IEEE 802.1Q) with ARP (RFC 826) or IPv4 (RFC 791); a truncated one gives what it has. */
export function parseFrame(bytes: Buffer, time: number, length: number): Packet {
  let at = 12
  let vlan: number | undefined
  let etherType = bytes.length >= 14 ? bytes.readUInt16BE(at) : 0
  if (etherType === 0x8100 && bytes.length >= 18) {
    vlan = bytes.readUInt16BE(at + 2) & 0xfff
    at += 4
    etherType = bytes.readUInt16BE(at)
  }
  const body = bytes.subarray(at + 2)
  return {
    time,
    ethDst: mac(bytes, 0),
    ethSrc: mac(bytes, 6),
    ...(vlan === undefined ? {} : { vlan }),
    etherType,
    ...(etherType === 0x0806 ? parseArp(body) : etherType === 0x0800 ? parseIp(body) : {}),
    length,
    bytes,
  }
}

function parseArp(body: Buffer): Pick<Packet, 'arp'> {
  if (body.length < 28) return {}
  return {
    arp: { op: body.readUInt16BE(6), sha: mac(body, 8), spa: ip(body, 14), tha: mac(body, 18), tpa: ip(body, 24) },
  }
}

function parseIp(body: Buffer): Pick<Packet, 'ip' | 'ports' | 'flags' | 'payload'> {
  if (body.length < 20) return {}
  const protocol = body[9]!
  const header = { ip: { src: ip(body, 12), dst: ip(body, 16), protocol, ttl: body[8]! } }
  const segment = body.subarray((body[0]! & 0xf) * 4)
  const segmentLength = body.readUInt16BE(2) - (body[0]! & 0xf) * 4
  const fragment = (body.readUInt16BE(6) & 0x1fff) !== 0
  if (fragment || (protocol !== 6 && protocol !== 17) || segment.length < 8) return header
  const ports = { src: segment.readUInt16BE(0), dst: segment.readUInt16BE(2) }
  if (protocol === 17) return { ...header, ports, payload: segmentLength - 8 }
  if (segment.length < 20) return { ...header, ports }
  const bits = segment[13]!
  const letters: readonly [string, number][] = [['S', 2], ['F', 1], ['R', 4], ['P', 8], ['A', 16], ['U', 32]] // biome-ignore format: a table
  const flags = letters.filter(([, bit]) => bits & bit).map(([letter]) => letter)
  return { ...header, ports, flags: flags.join(''), payload: segmentLength - (segment[12]! >> 4) * 4 }
}

function mac(bytes: Buffer, at: number): string {
  return [...bytes.subarray(at, at + 6)].map(byte => byte.toString(16).padStart(2, '0')).join(':')
}

function ip(bytes: Buffer, at: number): string {
  return bytes.subarray(at, at + 4).join('.')
}
