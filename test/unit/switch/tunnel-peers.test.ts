import test from 'ava'
import { keepTunnelPeers } from '../../../shared/switch/tunnel-peers.ts'
import type { PacketOut } from '../../../shared/switch/types.ts'
import { fakeClock } from '../run/fake-clock.ts'
import { memoryLog } from '../run/memory-log.ts'

function setUp() {
  const sent: PacketOut[] = []
  const state = { fails: false, mac: '02:00:00:00:01:00' as string | undefined }
  const clock = fakeClock()
  const peers = keepTunnelPeers({
    sw: () => ({
      packetOut: packet => {
        sent.push(packet)
        return state.fails ? Promise.reject(new Error('no switch')) : Promise.resolve()
      },
    }),
    clock,
    log: memoryLog(),
    mac: () => state.mac,
    actions: peer => [{ type: 'set_field', field: 'tun_dst', value: peer }],
  })
  const to = () =>
    sent.splice(0).map(({ actions: [first] }) => (first?.type === 'set_field' ? String(first.value) : ''))
  return { peers, clock, state, to, sent }
}

test('new ends hear at once, all of them every minute, gone ones no more', async t => {
  const { peers, clock, to } = setUp()
  peers.set(['a', 'b'])
  t.deepEqual(to(), ['a', 'b'])
  peers.set(['b', 'c'])
  t.deepEqual(to(), ['c'])
  await clock.advance(60_000)
  t.deepEqual(to(), ['b', 'c'])
  peers.close()
  await clock.advance(600_000)
  t.deepEqual(to(), [])
})

test('an end that could not be reached is tried again at the next occasion', async t => {
  const { peers, state, to } = setUp()
  state.fails = true
  peers.set(['a'])
  t.deepEqual(to(), ['a'])
  await new Promise(resolve => setImmediate(resolve))
  state.fails = false
  peers.set(['a'])
  t.deepEqual(to(), ['a'])
  peers.set(['a'])
  t.deepEqual(to(), [])
  state.mac = undefined
  peers.set(['a', 'b'])
  t.deepEqual(to(), [])
  state.mac = '02:00:00:00:01:00'
  peers.set(['a', 'b'])
  t.deepEqual(to(), ['b'])
})

test('all ends hear at once when our own hardware address is another', t => {
  const { peers, state, to } = setUp()
  peers.set(['a', 'b'])
  t.deepEqual(to(), ['a', 'b'])
  state.mac = '02:00:00:00:01:01'
  peers.set(['a', 'b'])
  t.deepEqual(to(), ['a', 'b'])
  peers.set(['a', 'b'])
  t.deepEqual(to(), [])
})

test('the frame is from us, to the address that no bridge forwards', t => {
  const { peers, sent } = setUp()
  peers.set(['a'])
  t.is(Buffer.from(sent[0]!.data).toString('hex', 0, 14), '0180c200000e02000000010088b5')
  t.is(sent[0]!.data.length, 60)
})
