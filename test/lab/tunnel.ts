import { type Packet, parseFrame } from './pcap.ts'

/** A frame in a tunnel, with the outer IP addresses. */
export interface Tunnelled extends Packet {
  readonly outer: { readonly src: string; readonly dst: string }
  readonly networkKey: number
}

const UDP = 17
const GRE = 47
const VXLAN_PORT = 4789
const GENEVE_PORT = 6081
/** Transparent Ethernet bridging: a frame in GRE or Geneve. */
const ETHERNET = 0x6558

/** Filter in pcap-filter(7)'s language for the frames in a host's tunnels. */
export const TUNNEL_FILTER = `udp port ${VXLAN_PORT} or udp port ${GENEVE_PORT} or ip proto ${GRE}`

/**
 * The inner frame of VXLAN (RFC 7348, 5), Geneve (RFC 8926, 3.4) or GRE with a key (RFC 2890, 2). Undefined for anything else.
 */
export function decapsulate(packet: Packet): Tunnelled | undefined {
  const { ip, ports } = packet
  if (ip === undefined) return undefined
  const bytes = Buffer.from(packet.bytes)
  const l3 = packet.vlan === undefined ? 14 : 18
  const l4 = l3 + (bytes[l3]! & 0xf) * 4
  const tunnel = l4 + 8
  let inner: { readonly at: number; readonly key: number } | undefined
  if (ip.protocol === UDP && ports?.dst === VXLAN_PORT) inner = { at: tunnel + 8, key: bytes.readUIntBE(tunnel + 4, 3) }
  else if (ip.protocol === UDP && ports?.dst === GENEVE_PORT)
    inner = { at: tunnel + 8 + (bytes[tunnel]! & 0x3f) * 4, key: bytes.readUIntBE(tunnel + 4, 3) }
  else if (ip.protocol === GRE && bytes.readUInt16BE(l4) === 0x2000 && bytes.readUInt16BE(l4 + 2) === ETHERNET)
    inner = { at: l4 + 8, key: bytes.readUInt32BE(l4 + 4) }
  if (inner === undefined || inner.at + 14 > bytes.length) return undefined
  const frame = parseFrame(bytes.subarray(inner.at), packet.time, packet.length - inner.at)
  return { ...frame, outer: { src: ip.src, dst: ip.dst }, networkKey: inner.key }
}
