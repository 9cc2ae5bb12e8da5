import { FAMILIES, familyOfBytes } from '../net/family.ts'
import type { Family } from '../net/types.ts'
import { checksum } from '../wire/checksum.ts'
import type { Addresses, Header } from '../wire/types.ts'

/** The IP packet of an Ethernet frame. */
export interface FramedPacket {
  /** The whole frame in memory. */
  readonly frame: Buffer
  readonly family: Family
  /** Start of the packet, after the Ethernet header and a VLAN tag. */
  readonly ip: number
  readonly header: Header
}

const ETHERNET = 14
const VLAN = { etherType: 0x8100, bytes: 4 } as const

/**
 * Finds the packet of a frame, with a VLAN tag or without. Undefined for other frames, and for one that ends within the packet's
 * header.
 */
export function packetIn(data: Uint8Array): FramedPacket | undefined {
  const frame = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  if (frame.length < ETHERNET + VLAN.bytes) return undefined
  const ip = frame.readUInt16BE(12) === VLAN.etherType ? ETHERNET + VLAN.bytes : ETHERNET
  const family = FAMILIES.find(({ etherType }) => etherType === frame.readUInt16BE(ip - 2))
  const header = family?.header.read(frame, ip)
  return family === undefined || header === undefined ? undefined : { frame, family, ip, header }
}

/** Makes a whole packet with hop limit 64. */
export function ipPacket(addresses: Addresses, protocol: number, payload: Buffer): Buffer {
  const { header } = familyOfBytes(addresses.src)
  return Buffer.concat([header.write(addresses, protocol, payload.length), payload])
}

/** Makes a packet with an ICMP message, and fills in the message's checksum. */
export function icmpPacket(addresses: Addresses, message: Buffer): Buffer {
  const { icmp, header } = familyOfBytes(addresses.src)
  const pseudo = icmp.pseudoHeader ? header.pseudo(addresses, icmp.protocol, message.length) : Buffer.alloc(0)
  message.writeUInt16BE(0, 2)
  message.writeUInt16BE(checksum(Buffer.concat([pseudo, message])), 2)
  return ipPacket(addresses, icmp.protocol, message)
}
