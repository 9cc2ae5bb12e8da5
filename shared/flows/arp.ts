import { type Action, PORT } from '../openflow/types.ts'

/**
 * Turns an ARP request (RFC 826) into the reply "`address` is at `mac`", in a frame from `ethSrc`, and sends it back
 * through the port that it came from. `ethSrc` is not always `mac`: a proxy must not let the fabric learn on its own
 * port the address that it answers for.
 */
export function arpReply(answer: {
  readonly address: string
  readonly mac: string
  readonly ethSrc: string
}): Action[] {
  return [
    { type: 'move', src: { field: 'eth_src' }, dst: { field: 'eth_dst' } },
    { type: 'set_field', field: 'eth_src', value: answer.ethSrc },
    { type: 'set_field', field: 'arp_op', value: 2 },
    { type: 'move', src: { field: 'arp_sha' }, dst: { field: 'arp_tha' } },
    { type: 'move', src: { field: 'arp_spa' }, dst: { field: 'arp_tpa' } },
    { type: 'set_field', field: 'arp_sha', value: answer.mac },
    { type: 'set_field', field: 'arp_spa', value: answer.address },
    { type: 'output', port: PORT.IN_PORT },
  ]
}

/**
 * A gratuitous ARP frame (RFC 5227, section 3: a request in which sender and target are `address`), broadcast from `hardwareAddress`:
 * Ethernet header and ARP packet (RFC 826), padded to 60 bytes. `ethSrc`: who sends it, where that is somebody else.
 */
export function gratuitousArp(address: string, hardwareAddress: string, ethSrc = hardwareAddress): Uint8Array {
  const [mac, source] = [hardwareAddress, ethSrc].map(text => text.split(':').map(byte => Number.parseInt(byte, 16)))
  const ip = address.split('.').map(Number)
  const frame = new Uint8Array(60)
  frame.set([...Array<number>(6).fill(0xff), ...source!, 0x08, 0x06], 0)
  frame.set([0, 1, 0x08, 0, 6, 4, 0, 1, ...mac!, ...ip, 0, 0, 0, 0, 0, 0, ...ip], 14)
  return frame
}
