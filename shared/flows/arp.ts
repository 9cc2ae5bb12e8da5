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
