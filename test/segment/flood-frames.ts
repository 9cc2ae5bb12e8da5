import { ARP } from '../../shared/net/arp.ts'
import { icmpPacket, ipPacket } from '../../shared/packet/ip.ts'
import { TCP_FLAG, tcpPacket } from '../../shared/packet/tcp.ts'
import { checksum } from '../../shared/wire/checksum.ts'
import { frame } from './frames.ts'

/** What a flood aims at. */
export interface Aim {
  /** Hardware address that the frames go to. */
  readonly mac: string
  /** IPv4 address and port of a service. */
  readonly address: string
  readonly port: number
}

/** Where all frames come from. It is no machine's; who answers finds nobody (RFC 2544, 198.18.0.0/15). */
const MAC = '02:00:00:00:00:66'
const IPV4 = 0x0800
const [TCP, UDP] = [6, 17]
/** First fragment with more to come, of some packet. */
const MORE = 0x2000

/** One frame of each kind, from another address and port each time. */
export const FLOOD_FRAMES = {
  syn: aim => tcp(aim, TCP_FLAG.SYN),
  ack: aim => tcp(aim, TCP_FLAG.ACK),
  udp: aim => ip(aim, UDP, datagram(aim.port)),
  'udp-ports': aim => ip(aim, UDP, datagram(1 + random(60_000))),
  fragment: aim => {
    const packet = ipPacket(ends(aim), UDP, Buffer.concat([datagram(aim.port), Buffer.alloc(24)]))
    // The identification and the fragment's place; the checksum goes with them.
    packet.writeUInt16BE(random(0xffff), 4)
    packet.writeUInt16BE(MORE, 6)
    packet.writeUInt16BE(0, 10)
    packet.writeUInt16BE(checksum(packet.subarray(0, 20)), 10)
    return frame(MAC, aim.mac, IPV4, packet)
  },
  // "Fragmentation needed", about a packet of the service to somebody.
  'icmp-error': aim => {
    const { src, dst } = ends(aim)
    const cited = ipPacket({ src: dst, dst: src }, TCP, Buffer.concat([u16(aim.port), u16(port()), Buffer.alloc(4)]))
    const message = Buffer.concat([Buffer.from([3, 4, 0, 0, 0, 0]), u16(1400), cited])
    return frame(MAC, aim.mac, IPV4, icmpPacket({ src, dst }, message))
  },
  arp: aim => {
    const request = Buffer.from(ARP.announce({ address: aim.address, mac: MAC, ethSrc: MAC }))
    request.set(ends(aim).src, 28)
    return request
  },
} as const satisfies Readonly<Record<string, (aim: Aim) => Buffer>>

export type FloodFrames = keyof typeof FLOOD_FRAMES

/** Nothing secret: only different each time. */
const random = (below: number) => Math.floor(Math.random() * below)
const port = () => 1024 + random(60_000)
const u16 = (n: number) => Buffer.from([n >> 8, n & 0xff])

function ends({ address }: Aim) {
  return {
    src: Buffer.from([198, 18 + random(2), random(256), random(256)]),
    dst: Buffer.from(address.split('.').map(Number)),
  }
}

function tcp(aim: Aim, flags: number): Buffer {
  const header = {
    srcPort: port(),
    dstPort: aim.port,
    sequence: random(2 ** 32),
    acknowledgment: random(2 ** 32),
    flags,
  }
  return frame(MAC, aim.mac, IPV4, tcpPacket(ends(aim), header))
}

const ip = (aim: Aim, protocol: number, payload: Buffer) =>
  frame(MAC, aim.mac, IPV4, ipPacket(ends(aim), protocol, payload))

/** Without a checksum (RFC 768). */
const datagram = (to: number) => Buffer.concat([u16(port()), u16(to), u16(16), u16(0), Buffer.alloc(8)])
