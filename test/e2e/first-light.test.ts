import test from 'ava'
import { recallMacOf } from '../../director/compile/fabric.ts'
import { traceRequest } from '../lab/trace.ts'
import { createSite, flows, ours, SERVICES, type Site, service, total, untilFlows, VIP } from './fixture.ts'

/** Longest frame that has the headers of Ethernet, IP and TCP with options and a short page. */
const SMALL = 400

// One lab for all of this file: two hosts; web-1 and web-2 share a host and an RS port; other-1 serves nothing.
let site: Site

test.before(async () => {
  site = await createSite({
    hosts: 2,
    vms: [
      { name: 'web-1', host: 0 },
      { name: 'web-2', host: 0 },
      { name: 'web-3', host: 1 },
      { name: 'other-1', host: 0, kind: 'light' },
    ],
  })
  await site.drop('web.yaml', service())
  await site.ready('web', 3)
})

test.after.always(() => site?.down())

test.serial(
  'a request to VIP:80 is answered from a VM on 8080, past the director, with the right address at each place',
  async t => {
    const trace = await traceRequest(site.lab, VIP, 80, 8080, 36_000)
    t.deepEqual(trace.hops, trace.expected)
    t.is(trace.repliesAtDirector, 0)
    t.true(trace.signals.frames > 0 && trace.signals.frames <= 3, JSON.stringify(trace.signals))
    t.true(trace.signals.bytes <= trace.signals.frames * SMALL, JSON.stringify(trace.signals))
  },
)

test.serial('two VMs on one host with one RS port: each is reached through an ingress port of its own', async t => {
  const status = await site.director.until('real servers', s => s.services.length === 1)
  const onRs1 = status.services[0]!.realServers.filter(server => server.host === 'rs1')
  t.deepEqual(
    onRs1.map(server => server.rsPort),
    [8080, 8080],
  )
  t.is(new Set(onRs1.map(server => server.ingressPort)).size, 2)
})

test.serial('after 100 requests the fabric has every MAC on its right port', async t => {
  const { lab } = site
  await lab.fabric.forget()
  const counts = await site.request(100)
  t.is(counts.get('failed'), undefined)
  t.deepEqual([...counts.keys()].sort(), ['web-1', 'web-2', 'web-3'])
  const where = new Map([
    ...lab.plan.clients.map(client => [client.mac, client.name] as const),
    ...lab.plan.hosts.map(host => [host.mac, host.name] as const),
    [recallMacOf(lab.plan.hosts.find(({ role }) => role === 'director')!.mac), 'director'] as const,
    ...lab.vms.map(vm => [vm.plan.mac, vm.plan.host] as const),
  ])
  const table = await lab.fabric.macTable()
  for (const { mac, port } of table) t.is(port, where.get(mac) ?? 'nobody', mac)
  const learnt = table.map(entry => entry.mac)
  for (const host of lab.plan.hosts) {
    t.true(learnt.includes(host.mac), host.name)
    // On its own bridge a host is at LOCAL, never behind a VM's port.
    const { stdout } = await lab.host(host.name).exec(['ovs-appctl', 'fdb/show', 'br0'])
    const own = stdout.split('\n').filter(line => line.includes(host.mac))
    t.deepEqual(
      own.filter(line => !line.trim().startsWith('LOCAL')),
      [],
      stdout,
    )
  }
})

test.serial("the client's ARP table only ever holds the director's MAC", async t => {
  const { lab } = site
  const director = lab.plan.hosts.find(host => host.role === 'director')!.mac
  const capture = await lab.capture('client', `arp and host ${VIP}`)
  await lab.client.exec(['ip', 'neigh', 'flush', 'all'])
  const arping = await lab.client.exec(['arping', '-c', '3', '-I', 'eth0', VIP], { check: false })
  t.regex(arping.stdout, /reply from/)
  await site.request(10)
  const replies = (await capture.stop()).filter(packet => packet.arp?.op === 2 && packet.arp.spa === VIP)
  t.true(replies.length > 0)
  t.deepEqual([...new Set(replies.map(packet => packet.arp!.sha))], [director])
  // Every answer comes in a frame from its sender's own address.
  const answering = lab.plan.hosts.map(host => host.mac).sort()
  t.deepEqual([...new Set(replies.map(packet => packet.ethSrc))].sort(), answering)
  // A frame from D that came in from a host would teach the fabric D on the wrong port.
  t.deepEqual(
    (await lab.fabric.macTable()).filter(entry => entry.mac === director).map(entry => entry.port),
    ['director'],
  )
  const { stdout } = await lab.client.exec(['ip', 'neigh', 'show', VIP])
  t.true(stdout.includes(director), stdout)
})

test.serial('nobody hears the VM probe for or announce the VIP', async t => {
  const { lab } = site
  const places = ['client', 'director', 'rs1', 'rs2', 'web-2', 'web-3', 'other-1']
  const captures = await Promise.all(places.map(place => lab.capture(place, 'arp')))
  const vm = lab.vm('web-1')
  const probe = await vm.exec(`arping -D -c 2 -w 3 -I eth0 ${VIP}`)
  t.is(probe.exitCode, 0, `somebody has answered the probe: ${probe.output}`)
  await vm.exec(`arping -A -c 2 -w 3 -I eth0 ${VIP}`)
  await vm.exec(`arping -U -c 2 -w 3 -I eth0 ${VIP}`)
  // When this last one has arrived, everything before it would have, too.
  await vm.exec(`arping -c 1 -w 3 -I eth0 -s ${vm.plan.ip} 10.10.1.10`)
  await captures[0]!.waitFor(packet => packet.arp?.sha === vm.plan.mac && packet.arp.tpa === '10.10.1.10')
  for (const [n, capture] of captures.entries()) {
    const heard = (await capture.stop()).filter(
      ({ arp }) => arp?.sha === vm.plan.mac && (arp.spa === VIP || arp.tpa === VIP),
    )
    t.deepEqual(
      heard.map(packet => packet.arp),
      [],
      places[n],
    )
  }
})

test.serial('a VM that holds no real server can neither send from the VIP nor speak ARP for it', async t => {
  const { lab } = site
  const other = lab.vm('other-1')
  const captures = await Promise.all(['client', 'rs1'].map(place => lab.capture(place, `ether host ${other.plan.mac}`)))
  t.is((await other.exec(`ip address add ${VIP}/32 dev eth0`)).exitCode, 0)
  await other.exec('ping -c 1 -W 1 10.10.1.10')
  await other.exec(`ping -c 1 -W 1 -I ${VIP} 10.10.1.10`)
  await other.exec(`arping -U -c 1 -w 2 -I eth0 ${VIP}`)
  await other.exec(`ip address del ${VIP}/32 dev eth0`)
  t.is((await other.exec('ping -c 1 -W 3 10.10.1.10')).exitCode, 0)
  for (const capture of captures) {
    const heard = await capture.stop()
    t.true(heard.some(packet => packet.ip?.src === other.plan.ip))
    t.deepEqual(
      heard.filter(packet => packet.ip?.src === VIP || packet.arp?.spa === VIP),
      [],
    )
  }
})

test.serial('ping VIP is answered by the director', async t => {
  const { exitCode, stdout } = await site.lab.client.exec(['ping', '-c', '2', '-W', '2', VIP], { check: false })
  t.is(exitCode, 0, stdout)
})

test.serial('a reboot of the VM keeps the VIP, from its own file, with the agent away', async t => {
  const { lab } = site
  const vm = lab.vm('web-3')
  await site.agent('rs2').kill()
  await vm.reboot()
  // The boot script adds aliases after the address that waitForBoot waits for.
  const up = `i=0; until ip -o -4 address show dev eth0 | grep -q 'inet ${VIP}/32'; do i=$((i+1)); [ $i -lt 100 ] || exit 1; usleep 100000; done`
  t.is((await vm.exec(up)).exitCode, 0)
  const counts = await site.request(40)
  t.is(counts.get('failed'), undefined)
  t.true((counts.get('web-3') ?? 0) > 0)
  await site.agent('rs2').start()
  await site.agent('rs2').until('in force', status => status.switch?.installedFlows !== 0)
})

test.serial("a stranger's del-flows is repaired at once, and its own flows are left alone", async t => {
  const { lab } = site
  const ofctl = (...args: string[]) => lab.host('rs1').exec(['ovs-ofctl', '-O', 'OpenFlow15', ...args])
  await ofctl('add-flow', 'br0', 'cookie=0x77,table=5,priority=7,udp6,tp_dst=9,actions=drop')
  const before = await flows(lab, 'rs1')
  t.true(ours(before).length > 10)
  for (const match of ['ip', 'arp', 'cookie=0xc705000000000000/0xffff000000000000']) {
    await ofctl('del-flows', 'br0', match)
    await untilFlows(site, 'rs1', ours(before))
    t.is((await flows(lab, 'rs1')).filter(line => line.includes('cookie=0x77')).length, 1)
  }
  await ofctl('del-flows', 'br0', 'cookie=0x77/-1')
  t.is((await site.request(10)).get('failed'), undefined)
})

test.serial(
  'kill -9 of agent and director loses no request, and both come back to the same state with zero flow changes',
  async t => {
    const { lab } = site
    const hosts = ['director', 'rs1', 'rs2']
    const before = await Promise.all(hosts.map(host => flows(lab, host)))
    const load = await site.load()
    await Promise.all([site.director.kill(), site.agent('rs1').kill(), site.agent('rs2').kill()])
    await Promise.all([site.director.start(), site.agent('rs1').start(), site.agent('rs2').start()])
    await site.ready('web', 3)
    for (const host of ['rs1', 'rs2'])
      await site
        .agent(host)
        .until('registered', s => s.inputs.some(i => i.name === 'director' && i.state === 'registered'))
    const counts = await load.stop()
    t.is(counts.get('failed'), undefined)
    t.true(total(counts) > 0)
    for (const daemon of [site.director, site.agent('rs1'), site.agent('rs2')]) {
      t.is(Number(daemon.status.latest?.switch?.flowChanges), 0)
    }
    t.deepEqual(await Promise.all(hosts.map(host => flows(lab, host))), before)
  },
)

test.serial('a VM that goes leaves the scheduling, and comes back to it, by itself', async t => {
  const { lab } = site
  await lab.vm('web-2').destroy()
  await site.ready('web', 2)
  const without = await site.request(30)
  t.is(without.get('failed'), undefined)
  t.is(without.get('web-2'), undefined)
  await lab.vm('web-2').start()
  await site.ready('web', 3)
  t.is((await site.request(30)).get('failed'), undefined)
})

test.serial(
  'a file that is edited is live without a restart; one that is broken is named with its line, and the last good one serves',
  async t => {
    await site.drop('web.yaml', service({ realServers: [{ vm: 'web-[12]', port: 8080 }] }))
    await site.ready('web', 2)
    t.is((await site.request(20)).get('web-3'), undefined)
    await site.drop('web.yaml', 'service: web\nvip: 10.10.1.300\nport: 80\nrealServers: []\n')
    const status = await site.director.until('the problem', s => s.problems.length > 0)
    t.true(
      status.problems.some(p => p.subject.includes(`${SERVICES}/web.yaml:2`)),
      JSON.stringify(status.problems),
    )
    t.is((await site.request(20)).get('failed'), undefined)
    await site.drop('web.yaml', service())
    await site.ready('web', 3)
  },
)

test.serial('services that cannot be told apart are refused with both names, files and lines', async t => {
  await site.drop('twin.yaml', service({ service: 'twin', port: 81, realServers: [{ vm: 'web-*', port: 8080 }] }))
  const status = await site.director.until('the problem', s => s.problems.length > 0)
  const text = status.problems.map(problem => `${problem.subject} ${problem.message}`).join('\n')
  for (const part of ['twin', 'web.yaml:1', 'twin.yaml:1']) t.true(text.includes(part), text)
  t.is((await site.request(10)).get('failed'), undefined)
  await site.remove('twin.yaml')
  await site.director.until('no problem', s => s.problems.length === 0)
})

test.serial('a service that goes takes its flows and the VIP with it, and nothing else', async t => {
  const { lab } = site
  const vm = lab.vm('web-1')
  await site.remove('web.yaml')
  for (const host of ['rs1', 'rs2']) await site.agent(host).until('nothing left', s => s.switch?.installedFlows === 0)
  t.deepEqual(ours(await flows(lab, 'rs1')), [])
  const { output } = await vm.exec('ip -o -4 address show dev eth0; ls /etc/sysconfig/network-scripts')
  t.false(output.includes(VIP), output)
  t.true(output.includes(vm.plan.ip), output)
  t.regex(output, /ifcfg-eth0/)
  t.notRegex(output, /ifcfg-eth0:/)
  await site.drop('web.yaml', service())
  await site.ready('web', 3)
  t.is((await site.request(10)).get('failed'), undefined)
})
