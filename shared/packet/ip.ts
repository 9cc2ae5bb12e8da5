import { FAMILIES, familyOfBytes } from '../net/family.ts'
import type { Family } from '../net/types.ts'
import { checksum } from './checksum.ts'
import type { Addresses, Header } from './types.ts'

/** The packet of an Ethernet frame. */
export interface FramedPacket {
  /** All of the frame, as it is in memory. */
  readonly frame: Buffer
  readonly family: Family
  /** Where the packet begins: behind Ethernet's header and a VLAN tag. */
  readonly ip: number
  readonly header: Header
}

const ETHERNET = 14
const VLAN = { etherType: 0x8100, bytes: 4 } as const

/** With a VLAN tag or without. Undefined for a frame of anything else, and one that ends within the packet's header. */
export function packetIn(data: Uint8Array): FramedPacket | undefined {
  const frame = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  if (frame.length < ETHERNET + VLAN.bytes) return undefined
  const ip = frame.readUInt16BE(12) === VLAN.etherType ? ETHERNET + VLAN.bytes : ETHERNET
  const family = FAMILIES.find(({ etherType }) => etherType === frame.readUInt16BE(ip - 2))
  const header = family?.header.read(frame, ip)
  return family === undefined || header === undefined ? undefined : { frame, family, ip, header }
}

/** A whole packet, hop limit 64. */
export function ipPacket(addresses: Addresses, protocol: number, payload: Buffer): Buffer {
  const { header } = familyOfBytes(addresses.src)
  return Buffer.concat([header.write(addresses, protocol, payload.length), payload])
}

/** A packet with an ICMP message, whose checksum is still to be made. */
export function icmpPacket(addresses: Addresses, message: Buffer): Buffer {
  const { icmp, header } = familyOfBytes(addresses.src)
  const pseudo = icmp.pseudoHeader ? header.pseudo(addresses, icmp.protocol, message.length) : Buffer.alloc(0)
  message.writeUInt16BE(0, 2)
  message.writeUInt16BE(checksum(Buffer.concat([pseudo, message])), 2)
  return ipPacket(addresses, icmp.protocol, message)
}
