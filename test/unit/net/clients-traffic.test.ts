import test, { type ExecutionContext } from 'ava'
import { compile } from '../../../agent/compile/compile.ts'
import { shields } from '../../../agent/compile/shields.ts'
import { indexPorts } from '../../../agent/real-servers/attach.ts'
import { resolve } from '../../../agent/real-servers/resolve.ts'
import { recallMacOf } from '../../../director/compile/fabric.ts'
import { createApplier } from '../../../shared/apply/apply.ts'
import { systemClock } from '../../../shared/run/clock.ts'
import { end } from '../../segment/cleanup.ts'
import { DIRECTOR_MAC as HOST_MAC, startDirectorSwitch } from '../../segment/director.ts'
import { startSegment } from '../../segment/segment.ts'
import { cleanupOf } from '../cleanup.ts'
import { program, startProgram } from '../director/network.ts'
import { domain, inventory, port, ports, spec } from '../real-servers/fixtures.ts'
import { memoryLog } from '../run/memory-log.ts'
import { vipNumbers } from '../vip-numbers.ts'
import { openSwitchOf } from './open-switch.ts'

/* Whom a service is for, where nobody but the host knows it: every request comes to the host as a director would send it. */

interface Addresses {
  readonly vip: string
  readonly vm: string
  readonly client: string
  readonly stranger: string
  readonly length: number
  readonly url: string
}

const IPV4 = { vip: '10.10.1.100', vm: '10.10.1.21', client: '10.10.1.10', stranger: '10.10.1.11', length: 24 }
const IPV6 = { vip: '2001:db8::100', vm: '2001:db8::21', client: '2001:db8::10', stranger: '2001:db8::11', length: 64 }

for (const [name, addresses] of [
  ['IPv4', { ...IPV4, url: `http://${IPV4.vip}` }],
  ['IPv6', { ...IPV6, url: `http://[${IPV6.vip}]` }],
] as const)
  test.serial(`${name}: a host serves only those whom its service is for, whatever the ports`, t =>
    servesItsClients(t, addresses),
  )

async function servesItsClients(
  t: ExecutionContext,
  { vip, vm: own, client: known, stranger, length, url }: Addresses,
) {
  t.timeout(60_000)
  const cleanup = cleanupOf(t)
  const segment = await startSegment(cleanup)
  const [client, other, ovs] = await Promise.all([
    segment.plug('eth0', 10),
    segment.plug('eth0', 11),
    startDirectorSwitch(segment),
  ])
  const vm = await segment.plug('eth0', 21, { space: ovs.space, port: 'vnet1' })
  await ovs.vsctl('add-port', 'br0', 'vnet1')
  const v6 = own.includes(':')
  const add = (address: string) => (v6 ? `ip address add ${address}/${length} dev eth0 nodad` : 'true')
  await Promise.all([client.run(add(known)), other.run(add(stranger)), vm.run(add(own))])
  await vm.run(`ip address add ${vip}/${v6 ? '128 nodad' : '32'} dev lo`)
  const serverOf = () => startProgram(cleanup, vm, /listening/, program('web-server', '8080', 'web-1'))
  const server = await serverOf()
  const ofport = Number(await ovs.vsctl('get', 'interface', 'vnet1', 'ofport'))
  const uplink = Number(await ovs.vsctl('get', 'interface', 'uplink0', 'ofport'))

  const snapshot = ports(port(1, { ofport, attachedMac: vm.mac }))
  const nics = [{ mac: vm.mac, source: 'br0', target: 'vnet1', interfaceId: undefined }]
  const host = {
    hostMac: HOST_MAC,
    // Who asks is the director itself, for nobody else's packets are delivered.
    directorMac: client.mac,
    directors: [client, other].map(({ mac }) => ({ mac, recallMac: recallMacOf(mac), hostIp: undefined })),
    uplink,
    vmPorts: [{ name: 'vnet1', mac: vm.mac, ofport, tag: undefined }],
    overlay: undefined,
  }
  const applier = createApplier({ log: memoryLog(), clock: systemClock })
  const sw = await openSwitchOf(t, ovs, 'agent')
  const serve = (clients: readonly string[]) => {
    const { realServers } = resolve({
      specs: [spec({ vip, port: 8080, clients })],
      inventory: inventory(domain(1, { nics })),
      ports: snapshot,
      allocations: [],
      ingressPorts: { first: 40_000, last: 49_999 },
    })
    const held = shields(realServers, [], indexPorts(snapshot), () => own)
    return applier.apply(compile({ realServers, shields: held, guarded: [], numberOf: vipNumbers().of, host }), sw)
  }
  for (const who of [client, other]) await who.run(`ip neighbour replace ${vip} lladdr ${HOST_MAC} dev eth0`)
  const ask = (seconds = 20) => `curl -sS -g --max-time ${seconds} '${url}:8080/'`

  await serve([`${known}/${v6 ? 128 : 32}`])
  t.deepEqual(applier.quarantined, [])
  t.is(await client.run(ask()), 'web-1')
  await t.throwsAsync(other.run(ask(2)), undefined, 'no request of a stranger is delivered')
  // A server that speaks to it all the same: from the service's port that would be an answer.
  const heard = await startProgram(cleanup, other, /listening/, [
    'tcpdump',
    '--immediate-mode',
    '-lni',
    'eth0',
    'udp or tcp',
  ])
  let seen = ''
  heard.stdout!.on('data', chunk => {
    seen += String(chunk)
  })
  const speak = (from: number) => `python3 - <<'END'
import socket
s = socket.socket(socket.AF_INET${v6 ? '6' : ''}, socket.SOCK_STREAM)
s.settimeout(1)
s.bind(('${vip}', ${from}))
try: s.connect(('${stranger}', 9))
except OSError: pass
END`
  await end(server)
  await vm.run(speak(8080))
  await vm.run(speak(9080))
  while (!seen.includes('9080')) await new Promise(resolve => setTimeout(resolve, 20))
  t.notRegex(seen, /[.:]8080[ :>]/)

  await serve([v6 ? '::/0' : '0.0.0.0/0'])
  await serverOf()
  t.is(await other.run(ask()), 'web-1')
}
