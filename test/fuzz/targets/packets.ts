import { refusal } from '../../../director/apply/refusal.ts'
import { parseIcmpError, withCitedSourcePort } from '../../../shared/packet/icmp-error.ts'
import { ipv4Packet, tcpPacket } from '../../../shared/packet/ipv4.ts'
import { segmentOf, withoutPayload } from '../../../shared/packet/tcp.ts'
import type { Target } from '../engine.ts'

const addresses = { src: Buffer.from([10, 10, 1, 10]), dst: Buffer.from([10, 10, 1, 100]) }
const segment = tcpPacket(addresses, { srcPort: 40_000, dstPort: 80, sequence: 1, acknowledgment: 2, flags: 16 })
const unreachable = ipv4Packet(addresses, 1, Buffer.concat([Buffer.from('0304000000000578', 'hex'), segment]))
const mac = Buffer.from('020000000100020000000010', 'hex')
const framed = (packet: Buffer, ...tag: number[]) => Buffer.concat([mac, Buffer.from([...tag, 8, 0]), packet])

/** Frames that the switch hands to a daemon: what is recognized can be changed. */
export const packets: Target = {
  name: 'packets',
  seeds: [segment, unreachable].flatMap(packet => [framed(packet), framed(packet, 0x81, 0, 0, 5)]),
  refuses: [],
  maxBytes: 2048,
  run: frame => {
    if (parseIcmpError(frame) !== undefined) withCitedSourcePort(frame, 8080)
    if (segmentOf(frame) !== undefined) withoutPayload(frame)
    refusal(frame)
  },
}
