import test from 'ava'
import { createAccounts } from '../../../director/accounting/accounts.ts'
import { ACCOUNTING } from '../../../director/compile/tables.ts'
import type { CompiledService, Site } from '../../../director/compile/types.ts'
import { createReleaser } from '../../../director/outlets/release.ts'
import { quiet } from '../../../shared/log/quiet.ts'
import { IPV6 } from '../../../shared/net/family.ts'
import type { PacketOut } from '../../../shared/switch/types.ts'
import { tcpdump } from '../packet/tcpdump.ts'
import { fakeClock } from '../run/fake-clock.ts'

const DIRECTOR = '02:00:00:00:01:00'
const CLIENT = 0x0a0a010a
const VIP = 0x0a0a0164

function setUp() {
  const clock = fakeClock()
  const accounts = createAccounts({ tcp: 900, udp: 300 })
  accounts.follow({ vip: VIP, port: 80, protocol: 'tcp' }, true)
  const sent: PacketOut[] = []
  const releaser = createReleaser({
    accounts,
    switch: () => ({ packetOut: async packet => void sent.push(packet) }),
    site: () => ({ directorMac: DIRECTOR, fabric: 'l2' }) as Site,
    log: quiet,
    clock,
  })
  const connect = (port: number, mark: number, what: keyof typeof ACCOUNTING.domain = 'opened') =>
    accounts.add(
      {
        sourceIPv4Address: CLIENT,
        sourceTransportPort: port,
        destinationIPv4Address: VIP,
        destinationTransportPort: 80,
        protocolIdentifier: 6,
        observationPointId: mark,
        sourceMacAddress: 0x020000000010,
      },
      ACCOUNTING.domain[what],
      clock.now(),
    )
  return { clock, sent, releaser, connect }
}

const service = (...marks: number[]) =>
  ({
    number: 1,
    vip: '10.10.1.100',
    port: 80,
    protocol: 'tcp',
    targets: marks.map(mark => ({ mark })),
  }) as unknown as CompiledService

test('the clients of a real server that is gone are asked, and no others', async t => {
  const { clock, sent, releaser, connect } = setUp()
  connect(40_000, 1)
  connect(40_001, 2)
  connect(40_002, 1, 'ended')
  releaser.update([service(1, 2)], [])
  releaser.update([service(1, 2)], [])
  await clock.advance(1000)
  t.is(sent.length, 0)
  releaser.update([service(2)], [])
  await clock.advance(1000)
  t.is(sent.length, 1)
  releaser.update([], [service(2)])
  await clock.advance(1000)
  t.is(sent.length, 2)
})

test('once more after a moment, for the youngest were not accounted yet; and then no more', async t => {
  const { clock, sent, releaser, connect } = setUp()
  releaser.update([service(1)], [])
  releaser.update([service()], [])
  await clock.advance(1000)
  t.is(sent.length, 0)
  connect(40_000, 1)
  await clock.advance(60_000)
  t.is(sent.length, 1)
})

test('one that was asked about twice is over: when the same real server goes again, nobody is asked again', async t => {
  const { clock, sent, releaser, connect } = setUp()
  connect(40_000, 1)
  const failOver = async () => {
    releaser.update([service(1, 2)], [])
    releaser.update([service(2)], [])
    await clock.advance(10_000)
  }
  await failOver()
  t.is(sent.length, 2)
  await failOver()
  t.is(sent.length, 2)
  connect(40_001, 1)
  await failOver()
  t.is(sent.length, 4, 'a new one is')
})

test('one that goes on elsewhere is not asked about on account of where it was', async t => {
  const { clock, sent, releaser, connect } = setUp()
  connect(40_000, 1)
  releaser.update([service(1, 2)], [])
  await clock.advance(1)
  connect(40_000, 2, 'known')
  releaser.update([service(2)], [])
  await clock.advance(10_000)
  t.is(sent.length, 0)
  releaser.update([service()], [])
  await clock.advance(10_000)
  t.is(sent.length, 2)
})

test('one that was given up and goes on elsewhere nevertheless is asked about there', async t => {
  const { clock, sent, releaser, connect } = setUp()
  connect(40_000, 1)
  releaser.update([service(1, 2)], [])
  releaser.update([service(2)], [])
  await clock.advance(10_000)
  t.is(sent.length, 2)
  connect(40_000, 2, 'known')
  releaser.update([service()], [])
  await clock.advance(10_000)
  t.is(sent.length, 4)
})

test('the question: an ACK from the VIP to the client, with a sequence number outside of its window', async t => {
  const { clock, sent, releaser, connect } = setUp()
  connect(40_000, 1)
  releaser.update([service(1)], [])
  releaser.update([service()], [])
  await clock.advance(1000)
  // Made by Python's struct module.
  t.is(
    Buffer.from(sent[0]!.data).toString('hex'),
    '020000000010020000000100080045000028000000004006644f0a0a01640a0a010a00509c40000000000000000050100000fcc20000',
  )
})

test('an IPv6 client is asked in IPv6', async t => {
  const clock = fakeClock()
  const accounts = createAccounts({ tcp: 900, udp: 300 })
  const [vip, client] = ['2001:db8::100', '2001:db8::10'].map(address => BigInt(IPV6.parse(address)!)) as [
    bigint,
    bigint,
  ]
  accounts.follow({ vip, port: 80, protocol: 'tcp' }, true)
  accounts.add(
    {
      sourceIPv6Address: client,
      sourceTransportPort: 40_000,
      destinationIPv6Address: vip,
      destinationTransportPort: 80,
      protocolIdentifier: 6,
      observationPointId: 1,
      sourceMacAddress: 0x020000000010,
    },
    ACCOUNTING.domain.opened,
    clock.now(),
  )
  const sent: PacketOut[] = []
  const releaser = createReleaser({
    accounts,
    switch: () => ({ packetOut: async packet => void sent.push(packet) }),
    site: () => ({ directorMac: DIRECTOR, fabric: 'l2' }) as Site,
    log: quiet,
    clock,
  })
  releaser.update([{ ...service(1), vip: '2001:db8::100' }], [])
  releaser.update([{ ...service(), vip: '2001:db8::100' }], [])
  await clock.advance(1000)
  t.regex(
    await tcpdump([sent[0]!.data]),
    /02:00:00:00:01:00 > 02:00:00:00:00:10.*2001:db8::100\.80 > 2001:db8::10\.40000: Flags \[\.\], cksum 0x[0-9a-f]{4} \(correct\)/,
  )
})

test('ten thousand are asked at the rate at which their answers can be refused', async t => {
  const { clock, sent, releaser, connect } = setUp()
  for (let port = 1; port <= 10_000; port++) connect(port, 1)
  releaser.update([service(1)], [])
  releaser.update([service()], [])
  await clock.advance(1000)
  t.true(sent.length >= 900 && sent.length <= 1100, String(sent.length))
  // The question is repeated once.
  await clock.advance(30_000)
  t.is(sent.length, 20_000)
})
