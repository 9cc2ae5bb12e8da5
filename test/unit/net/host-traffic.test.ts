import test from 'ava'
import { compile } from '../../../agent/compile/compile.ts'
import { shields } from '../../../agent/compile/shields.ts'
import type { HostContext } from '../../../agent/compile/types.ts'
import { indexPorts } from '../../../agent/real-servers/attach.ts'
import { resolve } from '../../../agent/real-servers/resolve.ts'
import { recallMacOf } from '../../../director/compile/fabric.ts'
import { createApplier } from '../../../shared/apply/apply.ts'
import { systemClock } from '../../../shared/run/clock.ts'
import { DIRECTOR_MAC as HOST_MAC, startDirectorSwitch } from '../../segment/director.ts'
import { startSegment } from '../../segment/segment.ts'
import { cleanupOf } from '../cleanup.ts'
import { program, startProgram } from '../director/network.ts'
import { domain, inventory, port, ports, spec } from '../real-servers/fixtures.ts'
import { memoryLog } from '../run/memory-log.ts'
import { vipNumbers } from '../vip-numbers.ts'
import { openSwitchOf } from './open-switch.ts'

const VIP = '2001:db8::100'

test('IPv6: a real server behind an agent’s flows serves, and nobody hears that it has the VIP', async t => {
  t.timeout(60_000)
  const cleanup = cleanupOf(t)
  const segment = await startSegment(cleanup)
  const [client, ovs] = await Promise.all([segment.plug('eth0', 10), startDirectorSwitch(segment)])
  const vm = await segment.plug('eth0', 21, { space: ovs.space, port: 'vnet1' })
  await ovs.vsctl('add-port', 'br0', 'vnet1')
  await client.run('ip address add 2001:db8::10/64 dev eth0 nodad')
  await vm.run('ip address add 2001:db8::21/64 dev eth0 nodad')
  await startProgram(cleanup, vm, /listening/, program('web-server', '8080', 'web-1'))
  const [uplink, ofport] = await Promise.all(
    ['uplink0', 'vnet1'].map(async name => Number(await ovs.vsctl('get', 'interface', name, 'ofport'))),
  )

  const snapshot = ports(port(1, { ofport, attachedMac: vm.mac }))
  const { realServers } = resolve({
    specs: [spec({ vip: VIP, port: 8080, clients: ['::/0'] })],
    inventory: inventory(
      domain(1, { nics: [{ mac: vm.mac, source: 'br0', target: 'vnet1', interfaceId: undefined }] }),
    ),
    ports: snapshot,
    allocations: [],
    ingressPorts: { first: 40_000, last: 49_999 },
  })
  const host: HostContext = {
    hostMac: HOST_MAC,
    // Who asks is the director itself.
    directorMac: client.mac,
    directors: [{ mac: client.mac, recallMac: recallMacOf(client.mac), hostIp: undefined }],
    uplink,
    vmPorts: [{ name: 'vnet1', mac: vm.mac, ofport: ofport!, tag: undefined }],
    overlay: undefined,
  }
  const shielded = shields(realServers, [], indexPorts(snapshot), () => '2001:db8::21')
  const applier = createApplier({ log: memoryLog(), clock: systemClock })
  await applier.apply(
    compile({ realServers, shields: shielded, guarded: [], numberOf: vipNumbers().of, host }),
    await openSwitchOf(t, ovs, 'agent'),
  )
  t.deepEqual(applier.quarantined, [])

  let heard = ''
  const tcpdump = await startProgram(cleanup, client, /listening/, [
    'tcpdump',
    '--immediate-mode',
    '-lnei',
    'eth0',
    'icmp6',
  ])
  tcpdump.stdout!.on('data', (text: unknown) => {
    heard += String(text)
  })
  // Without nodad the guest's kernel probes for the address, and then announces it.
  await vm.run(`sysctl -qw net.ipv6.conf.eth0.ndisc_notify=1; ip address add ${VIP}/128 dev eth0`)
  await t.throwsAsync(client.run(`ping -6 -c 1 -W 1 ${VIP}`))
  await new Promise(resolve => setTimeout(resolve, 1500))
  t.notRegex(await client.run(`ip -6 neighbour show ${VIP}`), /lladdr/, 'nobody answers for it')
  t.notRegex(await vm.run('ip -6 address show dev eth0'), /dadfailed|tentative/, 'nor the VM’s own probe')

  // As a director does: to the host's address.
  await client.run(`ip neighbour replace ${VIP} lladdr ${HOST_MAC} dev eth0`)
  await vm.run('ip -6 neighbour flush dev eth0')
  t.is(await client.run(`curl -sS -g --max-time 20 'http://[${VIP}]:8080/'`), 'web-1')
  // The VM asks for the client with its own address as the sender, although it sends from the VIP.
  const asked = /2001:db8::21 > .*neighbor solicitation, who has 2001:db8::10,/
  const ofVm = () => heard.split('\n').filter(line => line.includes(` ${vm.mac} > `))
  while (!ofVm().some(line => asked.test(line))) await new Promise(resolve => setTimeout(resolve, 50))
  t.false(
    ofVm().some(line => line.includes(VIP)),
    ofVm().join('\n'),
  )
})
