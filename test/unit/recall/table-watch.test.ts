import test from 'ava'
import { TABLE, WAITED } from '../../../director/compile/tables.ts'
import { createHeldSyns } from '../../../director/packets/held-syns.ts'
import { createTableWatch } from '../../../director/packets/table-watch.ts'
import { encodeCookie } from '../../../shared/flows/cookie.ts'
import type { PacketIn, PacketOut } from '../../../shared/switch/types.ts'
import { fakeClock } from '../run/fake-clock.ts'
import { memoryLog } from '../run/memory-log.ts'

function setUp() {
  const sent: PacketOut[] = []
  const clock = fakeClock()
  const log = memoryLog()
  return { sent, clock, log, switch: () => ({ packetOut: async (packet: PacketOut) => void sent.push(packet) }) }
}

const unanswered = (data: Uint8Array): PacketIn => ({
  inPort: 0xfffffffd,
  table: TABLE.UNANSWERED,
  cookie: encodeCookie('director', 'unanswered'),
  match: {},
  data,
})

test('the table is looked at once a session; where its entry is missing it is a new one, and gets the entry', async t => {
  const { sent, clock, ...options } = setUp()
  let lost = 0
  const watch = createTableWatch({ ...options, clock, onLost: () => void lost++ })
  watch.distrust()
  watch.applied()
  watch.applied()
  t.is(sent.length, 1)
  watch.packet(unanswered(Buffer.from('00', 'hex')))
  t.is(lost, 0)
  watch.packet(unanswered(sent[0]!.data))
  t.is(lost, 1)
  t.like(sent[1]!.actions[0], { type: 'ct', commit: true })
  t.deepEqual(sent[1]!.data, sent[0]!.data)

  // Each look-up prolongs the entry's life.
  await clock.advance(10_000)
  t.is(sent.length, 3)
  watch.distrust()
  watch.applied()
  t.is(sent.length, 4)
  t.is(lost, 1)
  watch.close()
  t.is(clock.pending, 0)
})

test('a SYN waits, and goes through the tables once more with a sign that it has waited', async t => {
  const { sent, clock, ...options } = setUp()
  const held = createHeldSyns({ ...options, clock })
  const packet = {
    inPort: 5,
    table: TABLE.PERSISTENT,
    cookie: encodeCookie('director', 'client', 1),
    match: { tun_id: 100 },
    data: Buffer.from('01', 'hex'),
  }
  held.packet(packet)
  held.packet({ ...packet, cookie: encodeCookie('director', 'ask', 1) })
  await clock.advance(40)
  t.is(sent.length, 0)
  await clock.advance(20)
  t.deepEqual(sent, [
    {
      inPort: 5,
      actions: [
        { type: 'set_field', field: 'tun_id', value: 100 },
        { type: 'set_field', field: WAITED, value: 1 },
        { type: 'resubmit', table: TABLE.CLASSIFY },
      ],
      data: packet.data,
    },
  ])
  for (let n = 0; n < 1100; n++) held.packet(packet)
  t.is(clock.pending, 1000)
  t.is(sent.length, 101, 'a SYN beyond the bound does not wait')
  held.close()
  t.is(clock.pending, 0)
})
