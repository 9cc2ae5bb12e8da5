import { refusal } from '../../../director/packets/refusal.ts'
import { parseIcmpError, withCitedSourcePort } from '../../../shared/packet/icmp-error.ts'
import { icmpPacket } from '../../../shared/packet/ip.ts'
import { segmentOf, tcpPacket, withoutPayload } from '../../../shared/packet/tcp.ts'
import type { Target } from '../engine.ts'

const header = { srcPort: 40_000, dstPort: 80, sequence: 1, acknowledgment: 2, flags: 16 }
const mac = Buffer.from('020000000100020000000010', 'hex')
const VLAN_5 = '81000005'

/** A segment, and the "too big" error about it, each with a tag and without. */
function frames(etherType: string, src: string, dst: string, tooBig: string): Buffer[] {
  const addresses = { src: Buffer.from(src, 'hex'), dst: Buffer.from(dst, 'hex') }
  const segment = tcpPacket(addresses, header)
  const error = icmpPacket(addresses, Buffer.concat([Buffer.from(tooBig, 'hex'), segment]))
  const framed = (packet: Buffer, tag: string) => Buffer.concat([mac, Buffer.from(tag + etherType, 'hex'), packet])
  return [segment, error].flatMap(packet => [framed(packet, ''), framed(packet, VLAN_5)])
}

/** Frames that the switch sends to a daemon: whatever is recognised can be changed. */
export const packets: Target = {
  name: 'packets',
  seeds: [
    ...frames('0800', '0a0a010a', '0a0a0164', '0304000000000578'),
    ...frames('86dd', '20010db8000100000000000000000010', '20010db8000100000000000000000100', '0200000000000578'),
  ],
  refuses: [],
  maxBytes: 2048,
  run: frame => {
    if (parseIcmpError(frame) !== undefined) withCitedSourcePort(frame, 8080)
    if (segmentOf(frame) !== undefined) withoutPayload(frame)
    refusal(frame)
  },
}
