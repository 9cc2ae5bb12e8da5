import { eachEntry, encodeMultipartRequest, expectMultipart, MULTIPART, MULTIPART_HEADER } from './header.ts'
import { PORT } from './types.ts'
import { formatMac } from './value.ts'
import { u32, zeros } from './writer.ts'

/** A port of the switch (ofp_port, OpenFlow 1.5.1, 7.2.1). */
export interface PortDesc {
  readonly number: number
  readonly name: string
  /** Lower case, colons. */
  readonly mac: string
  /** ofp_port_config: bit 0, administratively down. */
  readonly config: number
  /** ofp_port_state: bit 0, no link. */
  readonly state: number
}

/** OFPMP_PORT_DESC of all ports. */
export const encodePortDescRequest = (xid: number): Buffer =>
  encodeMultipartRequest(xid, MULTIPART.PORT_DESC, w => {
    u32(w, PORT.ANY)
    zeros(w, 4)
  })

/** Ports of one reply. Throws OPENFLOW_MALFORMED. */
export const decodePortDesc = (bytes: Buffer): PortDesc[] => {
  expectMultipart(bytes, MULTIPART.PORT_DESC)
  const ports: PortDesc[] = []
  // The length of an ofp_port comes after its number, so entries are read by that offset.
  eachEntry(bytes, MULTIPART_HEADER, 40, at => ports.push(readPort(bytes, at)), bytes.length, 4)
  return ports
}

const readPort = (bytes: Buffer, at: number): PortDesc => ({
  number: bytes.readUInt32BE(at),
  mac: formatMac(bytes.readUIntBE(at + 8, 6)),
  name: bytes.toString('latin1', at + 16, at + 32).replace(/\0.*$/s, ''),
  config: bytes.readUInt32BE(at + 32),
  state: bytes.readUInt32BE(at + 36),
})
