import { macBytes } from '../../shared/address/mac.ts'
import { familyOf } from '../../shared/net/family.ts'
import { ipPacket } from '../../shared/packet/ip.ts'
import type { Namespace } from './segment.ts'

/** A VLAN tag as a guest may write it; VID 0 is a priority tag (IEEE 802.1Q, 9.6). */
export interface Tag {
  readonly vid: number
  /** Default 0x8100, that of 802.1Q; 0x88a8 is that of 802.1ad. */
  readonly tpid?: number
}

export const BROADCAST = 'ff:ff:ff:ff:ff:ff'

/** An Ethernet frame around an IP packet or what `etherType` says, without FCS. */
export function frame(src: string, dst: string, etherType: number, packet: Uint8Array): Buffer {
  return Buffer.concat([macBytes(dst), macBytes(src), Buffer.from([etherType >> 8, etherType & 0xff]), packet])
}

/** The frame with these tags, from the outer to the inner one. */
export function tagged(untagged: Uint8Array, ...tags: readonly Tag[]): Buffer {
  const headers = tags.map(({ vid, tpid = 0x8100 }) => Buffer.from([tpid >> 8, tpid & 0xff, vid >> 8, vid & 0xff]))
  return Buffer.concat([untagged.subarray(0, 12), ...headers, untagged.subarray(12)])
}

export interface Ends {
  readonly src: string
  readonly dst: string
}

/** A UDP datagram or a TCP segment with these flags (its checksum is none), as an IP packet of the addresses' family. */
export function segment(
  { src, dst }: Ends,
  ports: readonly [src: number, dst: number],
  tcpFlags: number | undefined,
  text: string,
): Buffer {
  const header = Buffer.alloc(tcpFlags === undefined ? 8 : 20)
  header.writeUInt16BE(ports[0], 0)
  header.writeUInt16BE(ports[1], 2)
  if (tcpFlags === undefined) header.writeUInt16BE(8 + text.length, 4)
  else header.set([0x50, tcpFlags, 0xff, 0xff], 12)
  const family = familyOf(src)
  const addresses = { src: family.toBytes(family.parse(src)!), dst: family.toBytes(family.parse(dst)!) }
  return ipPacket(addresses, tcpFlags === undefined ? 17 : 6, Buffer.concat([header, Buffer.from(text)]))
}

const SEND = `
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((sys.argv[1], 0))
for line in sys.stdin: s.send(bytes.fromhex(line))
`

/** Sends frames out of an interface just as they are. */
export async function sendFrames(
  space: Pick<Namespace, 'run'>,
  device: string,
  frames: readonly Uint8Array[],
): Promise<void> {
  const lines = frames.map(each => `${Buffer.from(each).toString('hex')}\n`).join('')
  await space.run(`/usr/bin/python3 -c '${SEND}' ${device}`, lines)
}

const HEAR = `
import re, socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
s.bind((sys.argv[1], 0))
print("listening", flush=True)
while True:
  data, address = s.recvfrom(65535)
  found = re.search(rb"<([^<>]+)>", data)
  if found and address[2] not in [4, *map(int, sys.argv[2:])]: print(data[6:12].hex(":"), found[1].decode(), flush=True)
`

/** A frame to somebody else's hardware address (packet(7), sll_pkttype); 4 is one that goes out. */
const OTHER_HOST = '3'

/** The command that prints `SOURCE-MAC NAME` of each frame that comes in with `<NAME>` in it; `own`: not of those for others. */
export const hearing = (device: string, own = false): readonly string[] => {
  return ['/usr/bin/python3', '-c', HEAR, device, ...(own ? [OTHER_HOST] : [])]
}
