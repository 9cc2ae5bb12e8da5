import path from 'node:path'
import test from 'ava'
import { recallMacOf } from '../../director/compile/fabric.ts'
import { OFFLOADS } from '../lab/datapath.ts'
import { root } from '../lab/paths.ts'
import { createSite, curl, flows, ours, SERVICES, type Site, service, tally, untilFlows, VIP } from './fixture.ts'
import { eavesdrop, standIn } from './variants.ts'

// What operators of LVS and Open vSwitch really have, in one lab: one test for each variant. A test fails when the variant's
// own flow is broken. web-1, tag-1 and vm-* are on rs1, web-2, tag-2 and dns-1 on rs2; tag-* and vm-10 are in VLAN 10, vm-20
// and vm-21 in VLAN 20.
let site: Site

const TAGGED_VIP = '10.10.1.110'

test.before(async () => {
  site = await createSite({
    hosts: 2,
    vlans: true,
    clients: [{}, {}, { gateway: {} }],
    // One VIP is in no network of a VM.
    agentConfig: { allowedVips: ['10.10.1.0/24', '198.51.100.7'] },
    vms: [
      { name: 'web-1', host: 0 },
      { name: 'web-2', host: 1 },
      { name: 'tag-1', host: 0, vlan: 10 },
      { name: 'tag-2', host: 1, vlan: 10 },
      { name: 'dns-1', host: 1 },
      { name: 'net-1', host: 1, kind: 'light' },
      { name: 'vm-1', host: 0, kind: 'light' },
      { name: 'vm-2', host: 1, kind: 'light' },
      { name: 'vm-10', host: 0, kind: 'light', vlan: 10 },
      { name: 'vm-20', host: 0, kind: 'light', vlan: 20 },
      { name: 'vm-21', host: 0, kind: 'light', vlan: 20 },
    ],
  })
  const { lab } = site
  await lab.fabric.exec(['ovs-vsctl', 'set', 'port', 'client2', 'tag=10'])
  // A director answers in every VLAN of its uplink.
  await lab.fabric.exec(['ovs-vsctl', 'set', 'port', 'director', 'trunks=0,10'])
  await standIn(lab, 'dns-1', 'net-1', VIP)
  for (const [host, ip] of [['rs1', '10.10.1.81'], ['rs2', '10.10.1.82'], ['director', '10.10.1.80']] as const) // biome-ignore format: a table
    await lab.host(host).exec(['ip', 'address', 'add', `${ip}/24`, 'dev', 'br0'])
  const web = (vm: string, port: number) => [{ vm, port }]
  const files = {
    web: {},
    'web-tls': { port: 443, realServers: web('web-*', 8081) },
    only1: { vip: '10.10.1.101', realServers: web('web-1', 8080) },
    only2: { vip: '10.10.1.101', port: 81, realServers: web('web-2', 8080) },
    // Ready includes an answered check, so untagged checks work.
    tagged: { vip: TAGGED_VIP, realServers: web('tag-*', 8080), check: { type: 'tcp' } },
    closed: { vip: '10.10.1.102', clients: ['192.168.0.0/16'], realServers: web('web-1', 8080) },
    quiet: { vip: '10.10.1.103', arp: 'drop', realServers: web('web-1', 8080) },
    offlink: { vip: '198.51.100.7', realServers: web('web-1', 8080) },
    second: { vip: '10.10.1.104', realServers: web('web-2', 8080) },
    dns: { port: 53, protocol: 'udp', realServers: web('dns-1', 5353) },
    nobody: { port: 54, protocol: 'udp', realServers: web('dns-1', 5354) },
    echo: { port: 7, realServers: web('dns-1', 9007) },
  }
  const text = Object.entries(files).map(([name, changes]) => service({ service: name, ...changes }))
  await site.drop('all.yaml', text.join('---\n'))
  for (const name of Object.keys(files)) await site.ready(name, /^(web|tagged)/.test(name) ? 2 : 1)
})

test.after.always(() => site?.down())

/** The VMs that have answered `count` requests from a place or a VM. */
async function who(from: string, url: string, count = 12): Promise<string[]> {
  const { stdout } = await site.lab.host(from).exec(curl(url, count), { timeoutMs: 100_000, check: false })
  return [...tally(stdout).keys()].sort()
}

const BOTH = ['web-1', 'web-2']
const TAGGED = ['tag-1', 'tag-2']

for (const [from, what] of [
  ['client', 'a client on the fabric'],
  ['client3', 'a client behind a router'],
  ['vm-1', 'a VM on the host of one real server'],
  ['vm-2', 'a VM on the host of the other'],
  ['rs1', 'the host of a real server itself'],
  ['director', "the director's host itself"],
] as const) {
  test.serial(`${what} is served by both real servers`, async t => {
    t.deepEqual(await who(from, `http://${VIP}/`), BOTH)
  })
}

test.serial('a real server is a client of another VIP, and finds its own VIP in itself', async t => {
  const { lab } = site
  const ask = (vm: string, to: string) =>
    lab.vm(vm).exec(`printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 5 ${to} | tail -n 1`)
  t.is((await ask('web-2', '10.10.1.103 80')).output, 'web-1')
  t.is((await ask('web-1', '10.10.1.104 80')).output, 'web-2')
  // As with direct routing everywhere, the address is local: the service's port is closed there, the real server's is open.
  t.regex((await ask('web-1', `${VIP} 80`)).output, /refused/)
  t.is((await ask('web-1', `${VIP} 8080`)).output, 'web-1')
})

test.serial('two services of one VIP with ports of their own, and services of one VIP on different hosts', async t => {
  t.deepEqual(await who('client', `http://${VIP}:443/`), BOTH)
  t.deepEqual(await who('client', 'http://10.10.1.101/', 4), ['web-1'])
  t.deepEqual(await who('client', 'http://10.10.1.101:81/', 4), ['web-2'])
})

test.serial('a VIP of another subnet than the VMs’', async t => {
  const { lab } = site
  await lab.client.exec(['ip', 'route', 'add', '198.51.100.7/32', 'dev', 'eth0'])
  t.deepEqual(await who('client', 'http://198.51.100.7/', 4), ['web-1'])
})

/** What came back of an echo by the stand-in of dns-1; see programs/echo-client.ts. */
async function echo(protocol: 'udp' | 'tcp', port: number, what: string | number): Promise<string> {
  const program = path.join(root, 'test/e2e/programs/echo-client.ts')
  const argv = [process.execPath, program, protocol, VIP, String(port), String(what)]
  return (await site.lab.client.exec(argv, { timeoutMs: 60_000 })).stdout
}

test.serial('UDP: request and reply, both ports rewritten', async t => {
  t.is(await echo('udp', 53, 'who'), '3')
  t.is(await echo('udp', 53, 1472), '1472')
})

test.serial('UDP: a reply larger than a packet arrives whole; such a request is lost before the VM', async t => {
  const { lab } = site
  t.is(await echo('udp', 53, 'big'), '4000')
  const heard = await eavesdrop(lab, 'net-1', 'src host 10.10.1.10 and udp', async () => {
    t.is(await echo('udp', 53, 4000), '0')
    t.is(await echo('udp', 53, 10), '10')
  })
  t.deepEqual(
    heard.map(packet => packet.payload),
    [10],
  )
})

test.serial('an ICMP error of a VM about the VIP comes from the VIP, with the address of the host', async t => {
  const { lab } = site
  const heard = await eavesdrop(lab, 'rs2', 'icmp', async capture => {
    await echo('udp', 54, 'x')
    await capture.waitFor(packet => packet.ip?.src === VIP)
  })
  const host = lab.plan.hosts.find(plan => plan.name === 'rs2')!
  t.deepEqual([...new Set(heard.filter(packet => packet.ip?.src === VIP).map(packet => packet.ethSrc))], [host.mac])
})

test.serial('TCP: 4 MiB there and back through both port rewritings, in full-sized packets', async t => {
  const { lab } = site
  const heard = await eavesdrop(lab, 'net-1', 'tcp', async () => {
    t.is(await echo('tcp', 7, 4_194_304), '4194304 same')
  })
  const largest = (end: 'src' | 'dst') =>
    Math.max(...heard.filter(packet => packet.ports?.[end] === 9007).map(packet => packet.length))
  // With offloads, a capture shows segments of several packets.
  const size = (end: 'src' | 'dst') => (OFFLOADS ? Math.min(1514, largest(end)) : largest(end))
  t.deepEqual([size('dst'), size('src')], [1514, 1514])
})

test.serial('a client outside of `clients` is not served, and no port but the service’s leads to the VM', async t => {
  const { lab } = site
  t.deepEqual(await who('client3', 'http://10.10.1.102/', 2), ['web-1'])
  const heard = await eavesdrop(lab, 'web-1', 'tcp and dst host 10.10.1.102', async () => {
    for (const url of ['http://10.10.1.102/', 'http://10.10.1.102:8080/'])
      t.not((await lab.client.exec(['curl', '-s', '-m', '1', url], { check: false })).exitCode, 0)
    await who('client3', 'http://10.10.1.102/', 1)
  })
  t.deepEqual([...new Set(heard.map(packet => packet.ip?.src))], ['192.168.9.20'])
})

test.serial('`arp: drop`: the director alone answers, and a client VM on the host itself gets through', async t => {
  const { lab } = site
  const heard = await eavesdrop(lab, 'client', 'arp', async () => {
    t.deepEqual(await who('client', 'http://10.10.1.103/', 2), ['web-1'])
  })
  const answers = heard.filter(({ arp }) => arp?.op === 2 && arp.spa === '10.10.1.103')
  const director = lab.plan.hosts.find(host => host.role === 'director')!.mac
  t.deepEqual([...new Set(answers.map(packet => packet.ethSrc))], [director])
  t.deepEqual(await who('vm-1', 'http://10.10.1.103/', 2), ['web-1'])
})

test.serial(
  'a VLAN: clients on the fabric and on the host are served; in another VLAN the address is another’s',
  async t => {
    const { lab } = site
    t.deepEqual(await who('client2', `http://${TAGGED_VIP}/`, 4), TAGGED)
    t.deepEqual(await who('vm-10', `http://${TAGGED_VIP}/`, 4), TAGGED)
    // Another tenant uses the same addresses.
    await lab.host('vm-20').exec(['ip', 'address', 'add', `${TAGGED_VIP}/24`, 'dev', 'eth0'])
    t.deepEqual(await who('vm-21', `http://${TAGGED_VIP}:8080/`, 2), ['vm-20'])
    t.is(await neighbour('vm-21', TAGGED_VIP), lab.vm('vm-20').plan.mac)
  },
)

test.serial(
  'on the wire the tag is there both ways, and the fabric has every MAC on its right port in that VLAN',
  async t => {
    const { lab } = site
    const heard = await eavesdrop(lab, 'rs1', `vlan 10 and host ${TAGGED_VIP}`, async () => {
      t.deepEqual(await who('client2', `http://${TAGGED_VIP}/`, 30), TAGGED)
    })
    t.true(heard.some(packet => packet.ip?.dst === TAGGED_VIP && packet.flags === 'S'))
    t.true(heard.some(packet => packet.ip?.src === TAGGED_VIP && packet.ports?.src === 80 && packet.flags === 'SA'))
    const where = new Map([
      ...lab.plan.clients.map(client => [client.mac, client.name] as const),
      ...lab.plan.hosts.map(host => [host.mac, host.name] as const),
      [recallMacOf(lab.plan.hosts.find(({ role }) => role === 'director')!.mac), 'director'] as const,
      ...lab.vms.map(vm => [vm.plan.mac, vm.plan.host] as const),
    ])
    const table = (await lab.fabric.macTable()).filter(entry => entry.vlan === 10)
    t.true(table.length >= 4)
    for (const { mac, port } of table) t.is(port, where.get(mac) ?? 'nobody', mac)
  },
)

async function neighbour(from: string, ip: string): Promise<string | undefined> {
  const { stdout } = await site.lab.host(from).exec(['ip', 'neigh', 'show', ip])
  return /lladdr (\S+)/.exec(stdout)?.[1]
}

test.serial("a bridge whose own port is in a VLAN: replies stay in the VM's network", async t => {
  const { lab } = site
  const vsctl = (...args: string[]) => lab.host('rs1').exec(['ovs-vsctl', ...args])
  await vsctl('set', 'port', 'br0', 'tag=30')
  t.deepEqual(await who('client', 'http://10.10.1.101/', 3), ['web-1'])
  t.deepEqual(await who('client2', `http://${TAGGED_VIP}/`, 3), TAGGED)
  await vsctl('clear', 'port', 'br0', 'tag')
})

test.serial('a VM without any address but the VIP', async t => {
  const { lab } = site
  const vm = lab.vm('web-2')
  const run = async (command: string) => t.is((await vm.exec(command)).exitCode, 0, command)
  await run(`ip address del ${vm.plan.ip}/24 dev eth0; ip route add 10.10.1.0/24 dev eth0; ip neigh flush all`)
  t.deepEqual(await who('client', 'http://10.10.1.101:81/', 3), ['web-2'])
  await run(`ip route del 10.10.1.0/24 dev eth0; ip address add ${vm.plan.ip}/24 dev eth0`)
})

test.serial("a network controller's pipeline on the same bridge, in fail_mode secure", async t => {
  const { lab } = site
  const ofctl = (...args: string[]) => lab.host('rs2').exec(['ovs-ofctl', '-O', 'OpenFlow15', ...args])
  const before = ours(await flows(lab, 'rs2'))
  // Open vSwitch empties the table then; our flows come back by themselves.
  await lab.host('rs2').exec(['ovs-vsctl', 'set-fail-mode', 'br0', 'secure'])
  // As Neutron's agent does: everything goes through table 60, and NORMAL at the end.
  for (const flow of [
    'table=0,priority=65000,dl_type=0x88cc,actions=drop',
    'table=0,priority=2,actions=resubmit(,58)',
    'table=58,priority=1,actions=resubmit(,60)',
    'table=60,priority=100,udp,tp_dst=9,actions=drop',
    'table=60,priority=3,actions=NORMAL',
  ])
    await ofctl('add-flow', 'br0', `cookie=0x77,${flow}`)
  await ofctl('del-flows', '--strict', 'br0', 'table=0,priority=0')
  await untilFlows(site, 'rs2', before)
  t.deepEqual(await who('client', `http://${VIP}/`), BOTH)
  t.deepEqual(await who('vm-2', `http://${VIP}/`), BOTH)
  await lab.host('rs2').exec(['ovs-vsctl', 'del-fail-mode', 'br0'])
  await ofctl('add-flow', 'br0', 'table=0,priority=0,actions=NORMAL')
  await ofctl('del-flows', 'br0', 'cookie=0x77/-1')
  await untilFlows(site, 'rs2', before)
})

test.serial('a director that starts announces the VIPs to clients, and not to the VMs that hold them', async t => {
  const { lab } = site
  const announced = (vip: string) => `arp and src host ${vip} and dst host ${vip}`
  const capture = await lab.capture('client', announced(VIP))
  const heard = await eavesdrop(lab, 'web-1', announced(VIP), async () => {
    await site.director.kill()
    await site.director.start()
    const { arp } = await capture.waitFor(packet => packet.arp?.tpa === VIP)
    t.is(arp?.sha, lab.plan.hosts.find(host => host.role === 'director')!.mac)
    await site.ready('web', 2)
  })
  await capture.stop()
  t.deepEqual(heard, [])
  t.deepEqual(await who('client', `http://${VIP}/`), BOTH)
})

test.serial('the director and an agent on one bridge, with a local real server', async t => {
  await moveDirector()
  const { lab } = site
  for (const from of ['client', 'vm-1', 'vm-2', 'rs2', 'client3'])
    t.deepEqual(await who(from, `http://${VIP}/`), BOTH, from)
  // vm-10 is on an access port of the director's own bridge.
  t.deepEqual(await who('vm-10', `http://${TAGGED_VIP}/`, 3), TAGGED)
  t.deepEqual(await who('client2', `http://${TAGGED_VIP}/`, 3), TAGGED)
  // The host's address is the director's; still nothing reaches the VM past the director.
  const heard = await eavesdrop(lab, 'web-1', 'tcp and dst host 10.10.1.102', async () => {
    for (const url of ['http://10.10.1.102/', 'http://10.10.1.102:8080/'])
      t.not((await lab.client.exec(['curl', '-s', '-m', '1', url], { check: false })).exitCode, 0)
    t.deepEqual(await who('client3', 'http://10.10.1.102/', 1), ['web-1'])
  })
  t.deepEqual([...new Set(heard.map(packet => packet.ip?.src))], ['192.168.9.20'])
})

/** Takes the director's flows down, and starts another director on rs1, on the agent's bridge. */
async function moveDirector(): Promise<void> {
  const { lab } = site
  const files = await lab.director.readFile(`${SERVICES}/all.yaml`)
  // The director that lets others in is about to end.
  await lab.join('rs1', 'director')
  await site.director.kill('SIGTERM')
  await lab.director.exec([
    'ovs-ofctl',
    '-O',
    'OpenFlow15',
    'del-flows',
    'br0',
    'cookie=0xc705200000000000/0xfffff00000000000',
  ])
  await lab.host('rs1').writeFile(`${SERVICES}/all.yaml`, files)
  await lab.startDirector('rs1', { listen: '0.0.0.0:7473', leaseMs: 120_000 })
  for (const host of ['rs1', 'rs2']) {
    await site.agent(host).kill('SIGTERM')
    await site.agent(host).start({ director: '172.24.1.20:7473' })
    const d = lab.plan.hosts.find(plan => plan.name === 'rs1')!.mac
    await site
      .agent(host)
      .until('the new director', status =>
        status.inputs.some(input => input.name === 'director' && input.state === 'registered'),
      )
    // The flows follow the change.
    while (!(await flows(lab, host)).some(line => line.includes(`set_field:${d}->arp_sha`)));
  }
}
