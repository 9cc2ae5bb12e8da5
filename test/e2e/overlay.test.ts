import test from 'ava'
import type { Status__Output } from '../../shared/rpc/gen/crossport/v1/Status.ts'
import { traceRequest } from '../lab/trace.ts'
import { createSite, flows, ours, type Site, service, total, VIP } from './fixture.ts'

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

test.serial('the reference case: every address of every packet, the outer headers too', async t => {
  const trace = await traceRequest(site.lab, VIP, 80, 8080, 36_000)
  t.deepEqual(trace.hops, trace.expected)
  const [client, director, host] = ['02:00:00:00:00:10', '02:00:00:00:01:00', '02:00:00:00:00:20']
  const vm = '52:54:00:00:00:21'
  const [from, vip] = ['10.10.1.10:36000', '10.10.1.100']
  t.deepEqual(
    trace.hops.map(({ ipSrc, ipDst, ethSrc, ethDst, outer }) => [ipSrc, ipDst, ethSrc, ethDst, outer]),
    [
      [from, `${vip}:80`, client, director, '172.24.1.10 > 172.24.1.100'],
      [from, `${vip}:8080`, director, host, '172.24.1.100 > 172.24.1.20'],
      [from, `${vip}:8080`, director, vm, '-'],
      [`${vip}:8080`, from, vm, client, '-'],
      [`${vip}:80`, from, host, client, '172.24.1.20 > 172.24.1.10'],
      [`${vip}:80`, from, host, client, '-'],
    ],
  )
  t.is(trace.repliesAtDirector, 0)
})

test.serial('several real servers on one host and on many: all of them serve', async t => {
  await site.drop('web.yaml', service())
  await site.ready('web', 3)
  const counts = await site.request(60)
  t.deepEqual([...counts.keys()].sort(), ['web-1', 'web-2', 'web-3'])
  t.is(total(counts), 60)
})

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

test.serial('kill -9 of director and agents loses no request, and they come back with zero flow changes', async t => {
  const hosts = ['director', 'rs1', 'rs2']
  // What the tunnel has taught comes and goes by itself.
  const written = async (host: string) => (await flows(site.lab, host)).filter(line => !line.includes('cookie=0xc7053'))
  const before = await Promise.all(hosts.map(written))
  const load = site.load()
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
