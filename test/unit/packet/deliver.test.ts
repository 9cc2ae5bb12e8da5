import test from 'ava'
import { createIcmpErrors as createAgentsPart } from '../../../agent/icmp-errors.ts'
import { toHost } from '../../../director/compile/fabric.ts'
import type { CompiledService, Site } from '../../../director/compile/types.ts'
import { createIcmpErrors as createDirectorsPart } from '../../../director/packets/icmp-errors.ts'
import { encodeCookie } from '../../../shared/flows/cookie.ts'
import { parseIcmpError } from '../../../shared/packet/icmp-error.ts'
import { createCell } from '../../../shared/run/cell.ts'
import type { PacketIn, PacketOut } from '../../../shared/switch/types.ts'
import { resolved, spec } from '../real-servers/fixtures.ts'
import { fakeClock } from '../run/fake-clock.ts'
import { memoryLog } from '../run/memory-log.ts'
import { errorFrame } from './error-frame.ts'

function switchOf() {
  const sent: PacketOut[] = []
  return { sent, sw: { packetOut: async (packet: PacketOut) => void sent.push(packet) } }
}

function error(srcPort: number, changes: Partial<PacketIn> = {}, ipv6 = false, mtu = 1280): PacketIn {
  const shape = {
    ipv6,
    udp: false,
    cited: 28,
    options: 0,
    tagged: false,
    checksum: true,
    payload: [1, 2, 3, 4, 5, 6, 7, 8],
  }
  const cookie = encodeCookie('agent', 'icmp-error', 1)
  return { inPort: 5, table: 0, cookie, match: {}, data: errorFrame({ ...shape, port: srcPort, mtu }), ...changes }
}

function agent() {
  const { realServers } = resolved([spec()], [1, 2])
  const { sent, sw } = switchOf()
  const clock = fakeClock()
  return {
    sent,
    clock,
    handle: createAgentsPart({
      log: memoryLog(),
      clock,
      switch: createCell({ session: sw }),
      outcome: createCell({ realServers }),
    }),
  }
}

test('the agent delivers by ingress port, and cites the port that the real server knows', t => {
  const { sent, handle } = agent()
  handle(error(8080))
  handle(error(40_000))
  t.deepEqual(
    sent.map(({ actions, data }) => [actions, parseIcmpError(data)?.cited.srcPort]),
    [1, 2].map(n => [
      [
        { type: 'set_field', field: 'eth_dst', value: `52:54:00:00:00:0${n}` },
        { type: 'output', port: 10 + n },
      ],
      8080,
    ]),
  )
})

test('what is about nobody, and what is not for the agent, goes nowhere', t => {
  const { sent, handle } = agent()
  handle(error(80))
  handle(error(8080, { cookie: encodeCookie('director', 'vip-icmp-error') }))
  handle(error(8080, { cookie: 0n }))
  handle(error(8080, { data: new Uint8Array(60) }))
  t.deepEqual(sent, [])
})

test('a flood is cut off, and it goes on afterwards', async t => {
  const { sent, handle, clock } = agent()
  for (let n = 0; n < 5000; n++) handle(error(8080))
  t.is(sent.length, 200)
  await clock.advance(1000)
  for (let n = 0; n < 5000; n++) handle(error(8080))
  t.is(sent.length, 400)
})

test('what is about nobody takes nothing from the share of the others', t => {
  const { sent, handle } = agent()
  for (let n = 0; n < 5000; n++) handle(error(80))
  handle(error(8080))
  t.is(sent.length, 1)
})

const SITE: Site = {
  directorMac: '02:00:00:00:01:00',
  recallMac: '0a:00:00:00:01:00',
  uplink: 5,
  ownMacs: [],
  accessPorts: [],
  fabric: 'l2',
  accounting: true,
}
const SERVICE = {
  vip: '10.10.1.100',
  port: 80,
  protocol: 'tcp',
  zone: 7,
  targets: [
    { mark: 3, hostMac: '02:00:00:00:00:20', hostIp: '172.24.1.20', ingressPort: 40_000, newConnections: true },
  ],
} as unknown as CompiledService

test("the director asks the service's connection table, and sends on what that has found, about the ingress port", t => {
  const { sent, sw } = switchOf()
  const handle = createDirectorsPart({
    log: memoryLog(),
    clock: fakeClock(),
    switch: () => sw,
    site: () => SITE,
    services: () => [SERVICE],
  })
  const cookie = encodeCookie('director', 'vip-icmp-error')
  handle(error(80, { cookie }))
  t.like(sent[0], { inPort: 5, actions: [{ type: 'ct', zone: 7, table: 108 }] })
  t.is(parseIcmpError(sent[0]!.data)?.cited.srcPort, 80)

  const found = { cookie, table: 108, match: { ct_zone: 7, ct_mark: 3 } }
  handle(error(80, found))
  t.is(parseIcmpError(sent[1]!.data)?.cited.srcPort, 40_000)
  t.deepEqual(sent[1]?.actions, [
    { type: 'set_field', field: 'eth_src', value: '02:00:00:00:01:00' },
    ...toHost(SITE, SERVICE.targets[0]!),
  ])

  handle(error(81, { cookie }))
  handle(error(80, { ...found, match: { ct_zone: 7 } }))
  handle(error(80, { ...found, match: { ct_zone: 8, ct_mark: 3 } }))
  t.is(sent.length, 2, 'no such service, no such connection')
})

test('nobody makes a real server send packets that are smaller than any path needs', t => {
  const { sent, sw } = switchOf()
  const services = [SERVICE, { ...SERVICE, vip: '2001:db8::100', zone: 8 }]
  const director = createDirectorsPart({
    log: memoryLog(),
    clock: fakeClock(),
    switch: () => sw,
    site: () => SITE,
    services: () => services,
  })
  const cookie = encodeCookie('director', 'vip-icmp-error')
  for (const mtu of [0, 68, 575]) director(error(80, { cookie }, false, mtu))
  for (const mtu of [0, 68, 1279]) director(error(80, { cookie }, true, mtu))
  t.is(sent.length, 0)
  director(error(80, { cookie }, false, 576))
  director(error(80, { cookie }, true, 1280))
  t.is(sent.length, 2)

  const host = agent()
  for (const mtu of [0, 68, 575]) host.handle(error(8080, {}, false, mtu))
  t.is(host.sent.length, 0)
  host.handle(error(8080, {}, false, 576))
  t.is(host.sent.length, 1)
})

test('of IPv6 likewise: by VIP and port of what is cited', t => {
  const { sent, sw } = switchOf()
  const handle = createDirectorsPart({
    log: memoryLog(),
    clock: fakeClock(),
    switch: () => sw,
    site: () => SITE,
    services: () => [SERVICE, { ...SERVICE, vip: '2001:db8::100', zone: 8 }],
  })
  const cookie = encodeCookie('director', 'vip-icmp-error')
  handle(error(80, { cookie }, true))
  t.like(sent[0], { actions: [{ type: 'ct', zone: 8, table: 108 }] })
  handle(error(80, { cookie, table: 108, match: { ct_zone: 8, ct_mark: 3 } }, true))
  t.like(parseIcmpError(sent[1]!.data)?.cited, { src: '2001:db8::100', srcPort: 40_000 })
})
