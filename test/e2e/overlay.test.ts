import test from 'ava'
import { recallMacOf } from '../../director/compile/fabric.ts'
import type { Status__Output } from '../../shared/rpc/gen/crossport/v1/Status.ts'
import { traceRequest } from '../lab/trace.ts'
import { createSite, flows, ours, type Site, service, silentClient, startEcho, total, VIP } from './fixture.ts'

// One lab for all of this file: tunnels between director, two RS hosts and the client's host; web-1 and web-2 share a host.
let site: Site

test.before(async () => {
  site = await createSite({
    hosts: 2,
    overlay: {},
    vms: [
      { name: 'web-1', host: 0 },
      { name: 'web-2', host: 0 },
      { name: 'web-3', host: 1 },
    ],
  })
  await site.drop('web.yaml', service({ realServers: [{ vm: 'web-1', port: 8080 }] }))
  await site.ready('web', 1)
})

test.after.always(() => site?.down())

test.serial('tunnel ends know each other before the first packet, which is not lost', async t => {
  const ends: Readonly<Record<string, readonly string[]>> = {
    director: ['172.24.1.10', '172.24.1.20', '172.24.1.21'],
    rs1: ['172.24.1.10', '172.24.1.100'],
    rs2: ['172.24.1.10', '172.24.1.100'],
  }
  for (const [host, peers] of Object.entries(ends)) {
    const { stdout } = await site.lab.host(host).exec(['ovs-appctl', 'tnl/neigh/show'])
    for (const peer of peers) t.true(stdout.includes(`${peer} `), `${host}: ${peer}`)
  }
  const capture = await site.lab.capture('client', `tcp and host ${VIP}`)
  t.is((await site.request(1)).get('failed'), undefined)
  t.is((await capture.stop()).filter(packet => packet.flags === 'S').length, 1)
})

test.serial('the reference case: every address of every packet, the outer headers too', async t => {
  const trace = await traceRequest(site.lab, VIP, 80, 8080, 36_000)
  t.deepEqual(trace.hops, trace.expected)
  const [client, director, host] = ['02:00:00:00:00:10', '02:00:00:00:01:00', '02:00:00:00:00:20']
  const recall = recallMacOf(director)
  const vm = '52:54:00:00:00:21'
  const [from, vip] = ['10.10.1.10:36000', '10.10.1.100']
  t.deepEqual(
    trace.hops.map(({ ipSrc, ipDst, ethSrc, ethDst, outer }) => [ipSrc, ipDst, ethSrc, ethDst, outer]),
    [
      [from, `${vip}:80`, client, director, '172.24.1.10 > 172.24.1.100'],
      [from, `${vip}:8080`, recall, host, '172.24.1.100 > 172.24.1.20'],
      [from, `${vip}:8080`, recall, vm, '-'],
      [`${vip}:8080`, from, vm, client, '-'],
      [`${vip}:80`, from, host, client, '172.24.1.20 > 172.24.1.10'],
      [`${vip}:80`, from, host, client, '-'],
    ],
  )
  t.is(trace.repliesAtDirector, 0)
  t.true(trace.signals.frames > 0 && trace.signals.frames <= 3, JSON.stringify(trace.signals))
})

test.serial(
  'several real servers on one host and on many: all of them serve, and answer their health checks',
  async t => {
    await site.drop('web.yaml', service({ check: { type: 'tcp' } }))
    await site.ready('web', 3)
    const counts = await site.request(60)
    t.deepEqual([...counts.keys()].sort(), ['web-1', 'web-2', 'web-3'])
    t.is(total(counts), 60)
  },
)

test.serial('8 MB come through the tunnels whole, with VMs of MTU 1450', async t => {
  const curl = ['curl', '-s', '-m', '30', '-o', '/dev/null', '-w', '%{size_download}', `http://${VIP}/big`]
  t.is((await site.lab.client.exec(curl)).stdout, String(8 * 1024 * 1024))
})

test.serial('a VM port that is larger than what fits into the tunnels is told before it hurts', async t => {
  const { lab } = site
  const vm = lab.vm('web-1')
  const set = async (mtu: number) => lab.host('rs1').exec(['ip', 'link', 'set', await vm.port(), 'mtu', String(mtu)])
  const agent = site.agent('rs1')
  const told = (s: Status__Output) => s.problems.find(problem => problem.code === 'OVERLAY_MTU')
  await set(1500)
  const problem = told(await agent.until('the problem', s => told(s) !== undefined))
  t.is(problem?.subject, 'web-1')
  t.regex(problem?.message ?? '', /has an MTU of 1500, and 1450 fit into the tunnels \(vxlan from 172\.24\.1\.20\)/)
  await set(1450)
  const status = await agent.until('no problem', s => s.problems.length === 0)
  t.regex(status.inputs.find(input => input.name === 'tunnel')?.detail ?? '', /room for 1450 bytes/)
})

/** One request after the client has forgotten the VIP's MAC: its broadcasts, and who has answered them. */
async function resolve(mode: 'answer' | 'drop') {
  const { lab } = site
  const agents = ['rs1', 'rs2'].map(host => site.agent(host))
  const before = agents.map(agent => agent.status.latest?.switch?.flowChanges ?? 0)
  await site.drop('web.yaml', service({ arp: mode }))
  for (const [n, agent] of agents.entries()) {
    const applied = (s: Status__Output) =>
      Number(s.switch?.flowChanges) > Number(before[n]) && s.switch?.installedFlows === s.switch?.desiredFlows
    await agent.until(mode, applied)
  }
  const capture = await lab.capture('client', `arp host ${VIP}`)
  await lab.client.exec(['ip', 'neigh', 'flush', 'all'])
  const { exitCode } = await lab.client.exec(['curl', '-s', '-m', '10', `http://${VIP}/`], { check: false })
  await lab.client.exec(['arping', '-c', '1', '-w', '1', '-I', 'eth0', '-s', '10.10.1.10', '10.10.1.21'], {
    check: false,
  })
  const packets = (await capture.stop()).flatMap(({ arp, ethSrc, ethDst }) => (arp ? [{ ...arp, ethSrc, ethDst }] : []))
  return {
    served: exitCode === 0,
    broadcasts: packets.filter(({ op, ethDst }) => op === 1 && ethDst === 'ff:ff:ff:ff:ff:ff').length,
    answeredBy: [...new Set(packets.filter(({ op }) => op === 2).map(({ ethSrc }) => ethSrc))].sort(),
    says: [...new Set(packets.filter(({ op }) => op === 2).map(({ sha }) => sha))],
  }
}

test.serial(
  'ARP for the VIP: hosts that drop leave it to the director; hosts that answer spare the client a repetition',
  async t => {
    const [rs1, rs2, director] = ['02:00:00:00:00:20', '02:00:00:00:00:21', '02:00:00:00:01:00']
    const served = { served: true, broadcasts: 1, says: [director] }
    t.deepEqual(await resolve('drop'), { ...served, answeredBy: [director] })
    t.deepEqual(await resolve('answer'), { ...served, answeredBy: [rs1, rs2, director] })
    // The same with a director that does not get the broadcast.
    const rule = ['-O', 'OpenFlow15', '--strict']
    await site.lab.director.exec([
      'ovs-ofctl',
      ...rule,
      'add-flow',
      'br0',
      'priority=65000,arp,arp_tpa=10.10.1.100,actions=drop',
    ])
    const dropped = await resolve('drop')
    const answered = await resolve('answer')
    await site.lab.director.exec(['ovs-ofctl', ...rule, 'del-flows', 'br0', 'priority=65000,arp,arp_tpa=10.10.1.100'])
    t.deepEqual(answered, { ...served, answeredBy: [rs1, rs2] })
    t.like(dropped, { served: false, answeredBy: [] })
    t.true(dropped.broadcasts > 1, `${dropped.broadcasts} broadcasts`)
    t.log({ dropped, answered })
  },
)

test.serial(
  "beside a network controller: the rewritten reply goes on in the controller's table, and it forwards",
  async t => {
    const { lab } = site
    const host = lab.host('rs2')
    const agent = site.agent('rs2')
    await site.drop('web.yaml', service({ realServers: [{ vm: 'web-3', port: 8080 }] }))
    await site.ready('web', 1)
    await agent.kill()
    const ofport = async (name: string) => (await host.exec(['ovs-vsctl', 'get', 'interface', name, 'ofport'])).stdout
    const [tunnel, vm] = await Promise.all([ofport('tunnel0'), lab.vm('web-3').port().then(ofport)])
    const learn =
      'learn(table=9,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],load:NXM_NX_TUN_IPV4_SRC[]->NXM_NX_TUN_IPV4_DST[],load:100->NXM_NX_TUN_ID[],output:NXM_OF_IN_PORT[])'
    const reply = `cookie=0x99,table=8,priority=10,in_port=${vm},dl_src=02:00:00:00:00:21,tcp,nw_src=10.10.1.100,tp_src=80`
    const controller = [
      `cookie=0x99,table=0,priority=10,in_port=${tunnel},tun_id=100,actions=${learn},NORMAL`,
      'cookie=0x99,table=0,priority=5,actions=resubmit(,8)',
      `${reply},actions=resubmit(,9)`,
      'cookie=0x99,table=8,priority=0,actions=resubmit(,9)',
      `cookie=0x99,table=9,priority=0,actions=NORMAL,set_field:100->tun_id,set_field:172.24.1.10->tun_dst,output:${tunnel}`,
    ]
    await host.exec(['ovs-ofctl', '-O', 'OpenFlow15', 'add-flows', 'br0', '-'], { input: controller.join('\n') })
    await agent.start({ forward: { table: 8 } })
    await agent.until('in force', s => s.problems.length === 0 && Number(s.switch?.commits) > 0)
    const counts = await site.request(10)
    t.deepEqual([...counts], [['web-3', 10]])
    // Counters lag behind the packets.
    const match = reply.replace('cookie=0x99,', '').replace('priority=10,', '')
    const passed = async () =>
      /n_packets=[1-9]/.test((await host.exec(['ovs-ofctl', '-O', 'OpenFlow15', 'dump-flows', 'br0', match])).stdout)
    const deadline = performance.now() + 20_000
    while (!(await passed()) && performance.now() < deadline) await new Promise(resolve => setTimeout(resolve, 100))
    t.true(await passed(), 'the reply as it is rewritten, by the port that it came in by')
    t.deepEqual(
      ours(await flows(lab, 'rs2')).filter(line => /learn|table=16[0-2],/.test(line)),
      [],
    )
    await agent.kill()
    await host.exec(['ovs-ofctl', '-O', 'OpenFlow15', 'del-flows', 'br0', 'cookie=0x99/-1'])
    await agent.start()
    await site.drop('web.yaml', service())
    await site.ready('web', 3)
    t.is((await site.request(20)).get('failed'), undefined)
  },
)

test.serial('a tunnel port that somebody takes away comes back, and so does the service', async t => {
  const host = site.lab.host('rs2')
  await host.exec(['ovs-vsctl', 'del-port', 'br0', 'tunnel0'])
  const agent = site.agent('rs2')
  await agent.until('in force', s => s.problems.length === 0 && s.switch?.installedFlows === s.switch?.desiredFlows)
  t.regex((await host.exec(['ovs-vsctl', 'get', 'interface', 'tunnel0', 'options'])).stdout, /remote_ip=flow/)
  const counts = await site.request(30)
  t.is(counts.get('failed'), undefined)
  t.true((counts.get('web-3') ?? 0) > 0)
})

test.serial(
  'a host whose underlay address comes late or changes waits, says so, and is served at the new one',
  async t => {
    const host = site.lab.host('rs2')
    const agent = site.agent('rs2')
    const ip = (...words: string[]) => host.exec(['ip', ...words])
    const tunnel = async () => (await host.exec(['ovs-vsctl', 'get', 'interface', 'tunnel0', 'options'])).stdout
    const at = (address: string) => (s: Status__Output) =>
      s.hosts.some(({ hostId, hostIp, state }) => hostId === 'rs2' && hostIp === address && state === 'connected')
    const served = async () => t.is((await site.request(30)).get('failed'), undefined)
    const { stdout: route } = await ip('route', 'show', 'dev', 'br-phy')
    await agent.kill()
    await ip('route', 'del', '172.24.1.0/24', 'dev', 'br-phy')
    await agent.start({ hostIp: undefined })
    const told = ({ problems }: Status__Output) => problems.find(({ code }) => code === 'TUNNEL_PORT')
    t.regex(told(await agent.until('it says so', s => told(s) !== undefined))?.message ?? '', /no route to a director/)
    t.false(site.director.status.latest?.hosts.some(({ hostIp }) => hostIp === '0.0.0.0' || hostIp === ''))
    await ip('route', 'add', ...route.trim().split('\n')[0]!.trim().split(/\s+/), 'dev', 'br-phy')
    await site.director.until('rs2 is back', at('172.24.1.21'))
    await agent.until('no problem', s => s.problems.length === 0)
    await served()

    for (const [next, before] of [
      ['172.24.1.31', '172.24.1.21'],
      ['172.24.1.21', '172.24.1.31'],
    ] as const) {
      await ip('address', 'add', `${next}/24`, 'dev', 'br-phy')
      await ip('address', 'del', `${before}/24`, 'dev', 'br-phy')
      await ip('address', 'replace', `${next}/24`, 'dev', 'br-phy')
      await site.director.until(`rs2 is at ${next}`, at(next))
      await agent.until('no problem', s => s.problems.length === 0)
      t.true((await tunnel()).includes(`local_ip="${next}"`))
      await served()
    }
    await agent.kill()
    await agent.start({ hostIp: '172.24.1.21' })
    await agent.until('registered', s => s.inputs.some(i => i.name === 'director' && i.state === 'registered'))
  },
)

test.serial('a copy of a host is refused, says whose host id it has, and nobody loses a request', async t => {
  const load = await site.load()
  const agent = site.agent('rs2')
  const PAIR = '/etc/crossport/pki/agent.pem'
  const [copied, own] = await Promise.all(['rs1', 'rs2'].map(async host => site.lab.host(host).exec(['cat', PAIR])))
  await agent.kill()
  await site.lab.host('rs2').writeFile(PAIR, copied!.stdout)
  await agent.start({ hostId: 'rs1' })
  const taken = ({ problems }: Status__Output) => problems.find(({ code }) => code === 'HOST_ID_TAKEN')?.message
  for (const daemon of [agent, site.director]) {
    const message = taken(await daemon.until('refused', s => taken(s) !== undefined)) ?? ''
    for (const address of ['172.24.1.20', '172.24.1.21', '02:00:00:00:00:20', '02:00:00:00:00:21'])
      t.true(message.includes(address), `${address} in: ${message}`)
  }
  t.is(site.director.status.latest?.hosts.find(({ hostId }) => hostId === 'rs1')?.hostMac, '02:00:00:00:00:20')
  await agent.kill()
  await site.lab.host('rs2').writeFile(PAIR, own!.stdout)
  await agent.start({ hostId: 'rs2' })
  await agent.until('registered', s => s.inputs.some(i => i.name === 'director' && i.state === 'registered'))
  t.is((await load.stop()).get('failed'), undefined)
})

test.serial('kill -9 of director and agents loses no request, and they come back with zero flow changes', async t => {
  const hosts = ['director', 'rs1', 'rs2']
  // Learnt flows appear and expire by themselves.
  const written = async (host: string) => (await flows(site.lab, host)).filter(line => !line.includes('cookie=0xc7053'))
  const before = await Promise.all(hosts.map(written))
  const load = await site.load()
  await Promise.all([site.director.kill(), site.agent('rs1').kill(), site.agent('rs2').kill()])
  await Promise.all([site.director.start(), site.agent('rs1').start(), site.agent('rs2').start()])
  await site.ready('web', 3)
  for (const host of ['rs1', 'rs2']) {
    const registered = (s: Status__Output) => s.inputs.some(i => i.name === 'director' && i.state === 'registered')
    await site.agent(host).until('registered', registered)
  }
  const counts = await load.stop()
  t.is(counts.get('failed'), undefined)
  for (const daemon of [site.director, site.agent('rs1'), site.agent('rs2')]) {
    t.is(Number(daemon.status.latest?.switch?.flowChanges), 0)
  }
  t.deepEqual(await Promise.all(hosts.map(written)), before)
})

test.serial('what was learnt goes with the service', async t => {
  await site.remove('web.yaml')
  for (const host of ['rs1', 'rs2']) await site.agent(host).until('nothing left', s => s.switch?.installedFlows === 0)
  t.deepEqual(ours(await flows(site.lab, 'rs1')), [])
})

// This test is the last, because it ends a VM.
test.serial('a client that only waits hears at once that its real server is gone, here too', async t => {
  const web3 = site.lab.vms.find(vm => vm.name === 'web-3')!
  await startEcho([web3], 9000)
  await site.drop('echo.yaml', service({ service: 'echo', port: 9000, realServers: [{ vm: 'web-3', port: 9000 }] }))
  await site.ready('echo', 1)
  const client = await silentClient(site, 'waiting', 9000, 3)
  await web3.destroy()
  await client.waitForLine(/^ECONNRESET 3/, 60_000)
  t.pass()
})
