import { parseIpv4 } from '../address/ipv4.ts'
import { macBytes } from '../address/mac.ts'
import { type Action, PORT } from '../openflow/types.ts'
import type { Neighbours } from './types.ts'

const ETHER_TYPE = 0x0806
const OP = { request: 1, reply: 2 } as const

const eth_type = ETHER_TYPE

/** ARP (RFC 826). Every ARP packet carries its sender's addresses, whatever else it says. */
export const ARP: Neighbours = {
  etherType: ETHER_TYPE,
  request: address => ({ eth_type, arp_op: OP.request, arp_tpa: address }),
  answer: ({ address, mac, ethSrc }): readonly Action[] => [
    { type: 'move', src: { field: 'eth_src' }, dst: { field: 'eth_dst' } },
    { type: 'set_field', field: 'eth_src', value: ethSrc },
    { type: 'set_field', field: 'arp_op', value: OP.reply },
    { type: 'move', src: { field: 'arp_sha' }, dst: { field: 'arp_tha' } },
    { type: 'move', src: { field: 'arp_spa' }, dst: { field: 'arp_tpa' } },
    { type: 'set_field', field: 'arp_sha', value: mac },
    { type: 'set_field', field: 'arp_spa', value: address },
    { type: 'output', port: PORT.IN_PORT },
  ],
  // In gratuitous ARP, sender and target address are the same (RFC 5227, section 3).
  announcement: address => ({ eth_type, arp_spa: address, arp_tpa: address }),
  announce: ({ address, mac, ethSrc }) => {
    const ip = Buffer.alloc(4)
    ip.writeUInt32BE(parseIpv4(address)!)
    const frame = new Uint8Array(60)
    frame.set([...Array<number>(6).fill(0xff), ...macBytes(ethSrc), ETHER_TYPE >> 8, ETHER_TYPE & 0xff], 0)
    frame.set([0, 1, 0x08, 0, 6, 4, 0, OP.request, ...macBytes(mac), ...ip, 0, 0, 0, 0, 0, 0, ...ip], 14)
    return frame
  },
  about: address => [{ eth_type, arp_tpa: address }],
  requestFrom: address => ({ eth_type, arp_op: OP.request, arp_spa: address }),
  // A sender without an address of its own asks like a probe (RFC 5227, 2.1.1).
  requestAs: (own = '0.0.0.0') => [{ type: 'set_field', field: 'arp_spa', value: own }],
  unheard: address => [{ eth_type, arp_tpa: address }],
  unheardAfter: address => [{ eth_type, arp_spa: address }],
  claim: address => ({ eth_type, arp_spa: address }),
  senderMac: mac => [{ eth_type, arp_sha: mac }],
  lessons: [
    {
      match: { eth_type },
      request: [
        { type: 'match', dst: { field: 'eth_type' }, src: { value: ETHER_TYPE } },
        { type: 'match', dst: { field: 'arp_tpa' }, src: { field: 'arp_spa' } },
      ],
    },
  ],
}
