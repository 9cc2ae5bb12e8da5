import { parseIpv6 } from '../address/ipv6.ts'
import { macBytes } from '../address/mac.ts'
import { checksum } from './checksum.ts'
import { ipv6Header } from './ipv6-header.ts'

/** Messages of neighbour discovery (RFC 4861, section 4). */
export const ND_TYPE = {
  routerSolicitation: 133,
  neighbourSolicitation: 135,
  neighbourAdvertisement: 136,
} as const

/** ff02::1 */
export const ALL_NODES = (0xff02n << 112n) | 1n

const ICMPV6 = 58
/** Only packets from the same segment have this hop limit, because a router decrements it (7.1). */
const HOP_LIMIT = 255
/** Solicited: the message answers a question. Override: it replaces a cache entry (4.4). */
const FLAG = { solicited: 0x40, override: 0x20 } as const
const OPTION_TARGET = 2

interface Advertised {
  readonly address: string
  readonly mac: string
  readonly ethSrc: string
}

/** An unsolicited advertisement to all nodes that `address` is at `mac`, in a frame from `ethSrc` (7.2.6). */
export function advertisement({ address, mac, ethSrc }: Advertised): Buffer {
  const target = bytesOf(parseIpv6(address)!)
  const ethernet = Buffer.concat([Buffer.from('333300000001', 'hex'), macBytes(ethSrc), Buffer.from([0x86, 0xdd])])
  return Buffer.concat([ethernet, packet(target, bytesOf(ALL_NODES), target, mac, FLAG.override)])
}

/**
 * The answer to a neighbour solicitation: its target is at `mac`. The frame keeps its VLAN tag. A duplicate address probe has no
 * sender, so its answer goes to all nodes (7.2.4). Undefined for anything but a valid solicitation (7.1.1).
 */
export function solicited(data: Uint8Array, { mac, ethSrc }: Omit<Advertised, 'address'>): Buffer | undefined {
  const frame = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  const ip = frame.length >= 18 && frame.readUInt16BE(12) === 0x8100 ? 18 : 14
  if (frame.length < ip + 64 || frame.readUInt16BE(ip - 2) !== 0x86dd) return undefined
  const header = ipv6Header.read(frame, ip)
  if (header === undefined || header.protocol !== ICMPV6 || header.payload !== ip + 40) return undefined
  const { payload, end, src } = header
  if (end > frame.length || end < payload + 24 || frame[ip + 7] !== HOP_LIMIT) return undefined
  const message = frame.subarray(payload, end)
  if (message[0] !== ND_TYPE.neighbourSolicitation || message[1] !== 0 || message[8] === 0xff) return undefined
  if (checksum(Buffer.concat([ipv6Header.pseudo(header, ICMPV6, message.length), message])) !== 0) return undefined
  const probe = src.every(byte => byte === 0)
  const target = Buffer.from(message.subarray(8, 24))
  const answer = probe
    ? packet(target, bytesOf(ALL_NODES), target, mac, FLAG.override)
    : packet(target, src, target, mac, FLAG.override | FLAG.solicited)
  const to = probe ? Buffer.from('333300000001', 'hex') : frame.subarray(6, 12)
  return Buffer.concat([to, macBytes(ethSrc), frame.subarray(12, ip), answer])
}

function packet(src: Buffer, dst: Buffer, target: Buffer, mac: string, flags: number): Buffer {
  const message = Buffer.concat([
    Buffer.from([ND_TYPE.neighbourAdvertisement, 0, 0, 0, flags, 0, 0, 0]),
    target,
    Buffer.from([OPTION_TARGET, 1]),
    macBytes(mac),
  ])
  message.writeUInt16BE(checksum(Buffer.concat([ipv6Header.pseudo({ src, dst }, ICMPV6, message.length), message])), 2)
  const header = ipv6Header.write({ src, dst }, ICMPV6, message.length)
  header[7] = HOP_LIMIT
  return Buffer.concat([header, message])
}

function bytesOf(address: bigint): Buffer {
  return Buffer.from(address.toString(16).padStart(32, '0'), 'hex')
}
