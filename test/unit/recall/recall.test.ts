import test from 'ava'
import { askMeter } from '../../../director/apply/meters.ts'
import { recallMacOf } from '../../../director/compile/fabric.ts'
import { recall as ask } from '../../../director/compile/features/recall.ts'
import { TABLE } from '../../../director/compile/tables.ts'
import type { CompiledService, Site } from '../../../director/compile/types.ts'
import { createRecall } from '../../../director/packets/recall.ts'
import { encodeCookie } from '../../../shared/flows/cookie.ts'
import { segmentOf, TCP_FLAG, tcpPacket } from '../../../shared/packet/tcp.ts'
import type { PacketIn, PacketOut } from '../../../shared/switch/types.ts'
import { fakeClock } from '../run/fake-clock.ts'
import { memoryLog } from '../run/memory-log.ts'

const VIP = Buffer.from([10, 10, 1, 100])
const CLIENT = Buffer.from([10, 10, 1, 10])
const HOSTS = ['02:00:00:00:00:20', '02:00:00:00:00:21']
const SERVICE = {
  vip: '10.10.1.100',
  port: 80,
  protocol: 'tcp',
  zone: 0x4001,
  targets: HOSTS.map(hostMac => ({ hostMac })),
} as unknown as CompiledService
const SITE = {
  directorMac: '02:00:00:00:01:00',
  recallMac: '0a:00:00:00:01:00',
  uplink: 5,
  ownMacs: [],
  fabric: 'l2',
} as unknown as Site

function frame({ srcPort = 40_000, flags = TCP_FLAG.ACK as number, dstPort = 80, vlan = false } = {}): Buffer {
  const ethernet = Buffer.from(`0200000001000200000000108100000a0800`.slice(0, vlan ? 36 : 24), 'hex')
  const packet = tcpPacket({ src: CLIENT, dst: VIP }, { srcPort, dstPort, sequence: 7, acknowledgment: 9, flags })
  return Buffer.concat([ethernet, ...(vlan ? [] : [Buffer.from('0800', 'hex')]), packet])
}

function setUp({ most = 300, packetOut = async () => {} }: { most?: number; packetOut?: () => Promise<void> } = {}) {
  const sent: PacketOut[] = []
  const refused: PacketIn[] = []
  const clock = fakeClock()
  const log = memoryLog()
  const recall = createRecall({
    log,
    clock,
    most,
    switch: () => ({
      packetOut: packet => {
        sent.push(packet)
        return packetOut()
      },
    }),
    site: () => SITE,
    services: () => [SERVICE],
    refuse: packet => void refused.push(packet),
  })
  const up = (kind: 'ask' | 'unanswered', data: Buffer, more: Partial<PacketIn> = {}) =>
    recall.packet({ inPort: 5, table: TABLE.TELL, cookie: encodeCookie('director', kind), match: {}, data, ...more })
  return { sent, refused, clock, log, recall, up }
}

/** What each packet was: a question to so many hosts, or a look-up in the table. */
const kinds = (sent: readonly PacketOut[]) =>
  sent.map(({ actions }) => (actions[0]?.type === 'ct' ? `table ${actions[0].table}` : `${actions.length} hosts`))

test('nobody answers: the hosts are asked three times more, then the table, and within two seconds the client is told', async t => {
  const { sent, refused, clock, up, recall, log } = setUp()
  up('ask', frame())
  up('ask', frame())
  for (let n = 1; n <= 3; n++) {
    await clock.advance(400)
    t.deepEqual(kinds(sent), Array(n).fill('2 hosts'))
  }
  await clock.advance(400)
  t.deepEqual(kinds(sent).slice(3), [`table ${TABLE.UNANSWERED}`])
  const asked = segmentOf(sent[1]!.data)
  t.like(asked, { srcPort: 40_000, dstPort: 80, sequence: 7, acknowledgment: 9, flags: TCP_FLAG.ACK })
  up('unanswered', Buffer.from(sent[3]!.data))
  t.is(refused.length, 1)
  t.is(refused[0]!.inPort, 5)
  t.is(recall.ended, 1)
  await clock.advance(10_000)
  t.is(sent.length, 4)
  t.deepEqual(
    log.lines.filter(({ level }) => level === 'notice').map(({ message }) => message),
    ['connections that no host knows were ended'],
  )
})

test('a host answers, or the table has the mark: nobody is told anything', async t => {
  const { sent, refused, clock, up } = setUp()
  up('ask', frame())
  up('ask', frame(), { match: { reg12: 1 } })
  await clock.advance(5000)
  t.is(sent.length, 0)

  up('ask', frame({ srcPort: 40_001, vlan: true }))
  await clock.advance(5000)
  t.is(sent.length, 4, 'the table said nothing, for it has a mark')
  t.is(segmentOf(sent[0]!.data)?.srcPort, 40_001)
  up('unanswered', Buffer.from(sent[3]!.data))
  t.is(refused.length, 0, 'too late: it may be another connection')
})

test('a RST, another service’s packet, and what is no TCP are left alone; a flood takes no more than its share', async t => {
  const { sent, refused, clock, up, recall } = setUp()
  up('ask', frame({ flags: TCP_FLAG.RST }))
  up('ask', frame({ dstPort: 81 }))
  up('ask', Buffer.from('00', 'hex'))
  up('ask', frame().subarray(0, 40))
  await clock.advance(5000)
  t.is(sent.length, 0)
  t.is(refused.length, 0)
  for (let n = 0; n < 400; n++) up('ask', frame({ srcPort: 1024 + n }))
  await clock.advance(600)
  t.is(sent.length, 300)
  recall.close()
  await clock.advance(5000)
  t.is(sent.length, 300)
})

test('a storm: hosts are asked for longer before anybody is given up, and no more than the machine bears', async t => {
  const { sent, refused, clock, up } = setUp()
  for (let n = 0; n < 300; n++) up('ask', frame({ srcPort: 1024 + n }))
  await clock.advance(4000)
  t.false(kinds(sent).includes(`table ${TABLE.UNANSWERED}`))
  // All but a few are answered, so the storm is over for the others.
  for (let n = 0; n < 290; n++) up('ask', frame({ srcPort: 1024 + n }), { match: { reg12: 1 } })
  await clock.advance(400)
  t.is(kinds(sent).filter(kind => kind.startsWith('table')).length, 10)
  for (const { data } of sent.slice(-10)) up('unanswered', Buffer.from(data))
  t.is(refused.length, 10)
})

test('a switch that takes packets more slowly than a flood comes: what waits for it is bounded', async t => {
  const held: (() => void)[] = []
  const { sent, clock, up, recall } = setUp({
    most: 3000,
    packetOut: () => new Promise(resolve => held.push(resolve)),
  })
  for (let n = 0; n < 3000; n++) up('ask', frame({ srcPort: 1024 + n }))
  for (let n = 0; n < 4; n++) await clock.advance(400)
  t.is(sent.length, 32)
  recall.close()
  while (held.length > 0) {
    for (const go of held.splice(0)) go()
    await clock.advance(0)
  }
  t.true(sent.length <= 2032, `${sent.length} were waiting`)
})

test('the meter is for copies: with more hosts fewer packets are asked about, down to a least', t => {
  t.deepEqual(
    [0, 1, 2, 3, 100, 5000].map(hosts => askMeter(hosts).rate),
    [100_000, 100_000, 50_000, 25_000, 1000, 1000],
  )
  t.deepEqual(
    [1, 16, 64, 5000].map(hosts => askMeter(hosts).burst),
    [10_000, 10_000, 3125, 1000],
  )
})

test('R is D’s neighbour that nobody else has', t => {
  t.is(recallMacOf('02:00:00:00:01:00'), '0a:00:00:00:01:00')
  t.is(recallMacOf('0a:00:00:00:01:00'), '02:00:00:00:01:00')
  t.is(recallMacOf('00:1b:21:00:01:00'), '0a:1b:21:00:01:00')
})

test('what the process is not shown is asked about all the same: its meter is behind the questions', t => {
  const place = { directorMac: '02:00:00:00:01:00', recallMac: '0a:00:00:00:01:00', uplink: 1, ownMacs: [] }
  const host = { hostMac: '02:00:00:00:00:20', hostIp: '', ingressPort: 8080, newConnections: true }
  const [flow] = ask(
    { ...place, fabric: 'l2', accounting: false, accessPorts: [] },
    { ...SERVICE, targets: [{ mark: 1, ...host }] },
  ).flows
  // ofproto-dpif-xlate.c, clone_xlate_actions: the actions of a clone may be carried out without one.
  t.deepEqual(
    flow?.actions.map(({ type }) => type),
    ['meter', 'clone', 'resubmit'],
  )
})
