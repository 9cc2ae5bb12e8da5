import test from 'ava'

import { segmentOf, tcpPacket, withoutPayload } from '../../../shared/packet/tcp.ts'

const addresses = { src: Buffer.from([10, 10, 1, 10]), dst: Buffer.from([10, 10, 1, 100]) }
const header = { srcPort: 40_000, dstPort: 80, sequence: 1, acknowledgment: 2, flags: 24 }
const frame = Buffer.concat([Buffer.from('0200000001000200000000100800', 'hex'), tcpPacket(addresses, header)])
const DATA_OFFSET = 14 + 20 + 12

test('a segment is what has a whole TCP header; it can be sent on without its data', t => {
  t.like(segmentOf(frame), { srcPort: 40_000, dstPort: 80, flags: 24 })
  t.like(segmentOf(withoutPayload(Buffer.concat([frame, Buffer.alloc(100)]))), { srcPort: 40_000, flags: 16 })
  for (let length = 0; length < frame.length; length++) t.is(segmentOf(frame.subarray(0, length)), undefined)
})

test('a header that says it is shorter than a header is none', t => {
  for (let words = 0; words < 16; words++) {
    const forged = Buffer.from(frame)
    forged[DATA_OFFSET] = words << 4
    t.is(segmentOf(forged) === undefined, words < 5)
    if (segmentOf(forged) !== undefined) t.is(withoutPayload(forged).length, frame.length)
  }
})
