import test from 'ava'
import { compile } from '../../../agent/compile/compile.ts'
import { probes } from '../../../agent/compile/probes.ts'
import { shields } from '../../../agent/compile/shields.ts'
import { probeAddress, probeHost, probeNetwork, probeSource } from '../../../agent/probe-port/address.ts'
import { indexPorts } from '../../../agent/real-servers/attach.ts'
import type { ServiceSpec } from '../../../shared/config/service.ts'
import { flowKey } from '../../../shared/flows/key.ts'
import { flowText } from '../../../shared/openflow/text.ts'
import { checkOf } from '../health/fixtures.ts'
import { port, ports, resolved, spec } from '../real-servers/fixtures.ts'

const network = probeNetwork('169.254.96.0/19')
const entry = { ofport: 5, mac: '02:c7:05:00:00:01', address: '169.254.96.1', udpPort: 61_053 }

function compiled(specs: readonly ServiceSpec[], vms: readonly number[] = [1]) {
  const snapshot = ports(...vms.map(n => port(n)))
  const { realServers } = resolved(specs, vms, snapshot)
  const index = indexPorts(snapshot)
  const found = probes(realServers, network)
  const sources = { vnet1: ['10.10.1.250'] }
  const host = {
    hostMac: '02:00:00:00:00:20',
    directorMac: '02:00:00:00:01:00',
    directors: [],
    uplink: 1,
    vmPorts: [...index].map(([mac, { name, ofport, tag }]) => ({ name, mac, ofport: ofport!, tag })),
    overlay: undefined,
    probing: { port: entry, network, sources },
  }
  const objects = compile({
    realServers,
    shields: shields(realServers, [], index, () => undefined),
    guarded: [],
    numberOf: () => 1,
    host,
  })
  return { objects, found }
}

function texts(specs: readonly ServiceSpec[], prefix: string, vms?: readonly number[]): string[] {
  return [...compiled(specs, vms).objects]
    .filter(([name]) => name.startsWith(prefix))
    .flatMap(([, object]) => object.flows().map(flow => flowText(flow).replace(/cookie=0x[0-9a-f]+, ?/, '')))
}

const tcp = checkOf({ type: 'tcp' })

test('a probe: to its address → the VIP in the VM, from an address that is not the host’s; answers come back, first segments do not', t => {
  t.deepEqual(texts([spec({ check: tcp })], 'probe/'), [
    'table=0,priority=40600,tcp,in_port=5,nw_dst=169.254.96.3,tp_dst=8080 actions=set_field:02:00:00:00:00:20->eth_src,set_field:52:54:00:00:00:01->eth_dst,set_field:169.254.96.2->ip_src,set_field:10.10.1.100->ip_dst,output:11',
    'table=0,priority=40600,tcp,in_port=11,nw_src=10.10.1.100,nw_dst=169.254.96.2,tp_src=8080,tcp_flags=+ack actions=set_field:02:c7:05:00:00:01->eth_dst,set_field:169.254.96.3->ip_src,set_field:169.254.96.1->ip_dst,output:5',
    'table=0,priority=40600,tcp,in_port=11,nw_src=10.10.1.100,nw_dst=169.254.96.2,tp_src=8080,tcp_flags=+rst actions=set_field:02:c7:05:00:00:01->eth_dst,set_field:169.254.96.3->ip_src,set_field:169.254.96.1->ip_dst,output:5',
  ])
  t.deepEqual(
    texts([spec({ check: tcp })], 'probe').filter(text => text.includes('priority=40590')),
    ['table=0,priority=40590,in_port=5 actions=drop'],
  )
  const [arp, own] = texts([spec({ check: tcp })], 'probe-source/')
  t.regex(arp ?? '', /arp,in_port=11,arp_tpa=169\.254\.96\.2,arp_op=1 /)
  t.regex(own ?? '', /arp,in_port=11,arp_tpa=10\.10\.1\.250,arp_op=1 /)
})

test('udp: only to the port that the agent sends from; a port and a source of the check’s own', t => {
  const check = checkOf({ type: 'udp', send: 'ping', port: 53, source: '10.10.1.250' })
  const [request, reply, ...more] = texts([spec({ protocol: 'udp', check })], 'probe/')
  t.is(more.length, 0)
  t.regex(request ?? '', /udp,in_port=5,nw_dst=169\.254\.96\.3,tp_dst=53 .*set_field:10\.10\.1\.250->ip_src/)
  t.regex(reply ?? '', /udp,in_port=11,nw_src=10\.10\.1\.100,nw_dst=10\.10\.1\.250,tp_src=53,tp_dst=61053 /)
})

test('several VMs that hold one VIP each have an address; a command in the guest needs none', t => {
  const { found } = compiled([spec({ check: tcp })], [1, 2, 3])
  t.deepEqual(
    [...found.values()].map(({ address }) => address),
    ['169.254.96.3', '169.254.96.4', '169.254.96.5'],
  )
  t.is(compiled([spec({ check: checkOf({ type: 'exec', command: ['true'] }) })]).found.size, 0)
})

test('two services of one VM that check the same port share a probe; no two flows have one match', t => {
  const shared = checkOf({ type: 'http', port: 9000 })
  const specs = [
    spec({ check: shared }),
    spec({ service: 'b', port: 81, realServers: [{ vm: 'web-*', port: 8081, weight: 1 }], check: shared }),
    spec({ service: 'c', vip: '10.10.1.101', protocol: 'udp', check: checkOf({ type: 'udp', sendHex: '00' }) }),
  ]
  const { objects, found } = compiled(specs, [1, 2])
  t.is(found.size, 6)
  t.is(new Set([...found.values()].map(({ address }) => address)).size, 4)
  const keys = [...objects.values()].flatMap(object => object.flows().map(flowKey))
  t.is(new Set(keys).size, keys.length)
})

test('addresses: host, source, real servers; the last one is the broadcast address', t => {
  const small = probeNetwork('169.254.8.16/28')
  t.is(probeHost(small), '169.254.8.17')
  t.is(probeSource(small), '169.254.8.18')
  t.is(probeAddress(small, 1), '169.254.8.19')
  t.is(probeAddress(small, 12), '169.254.8.30')
  t.is(probeAddress(small, 13), undefined)
})
