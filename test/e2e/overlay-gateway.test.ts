import test from 'ava'
import { parseIcmpError } from '../../shared/packet/icmp-error.ts'
import type { Status__Output } from '../../shared/rpc/gen/crossport/v1/Status.ts'
import { decapsulate, TUNNEL_FILTER } from '../lab/tunnel.ts'
import { createSite, type Site, service, total, VIP } from './fixture.ts'

// Geneve; the client is a machine behind a router, whose link to the client has an MTU of 1280, where the overlay has 1450.
let site: Site

const TEN_MB = 10_485_760

test.before(async () => {
  site = await createSite({
    hosts: 2,
    overlay: { encapsulation: 'geneve' },
    clients: [{ gateway: { mtu: 1280 } }],
    vms: [
      { name: 'web-1', host: 0 },
      { name: 'web-2', host: 0 },
      { name: 'web-3', host: 1 },
    ],
  })
  await site.drop('web.yaml', service())
  await site.ready('web', 3)
  const tenMb = `truncate -s ${TEN_MB} /srv/www/ten`
  for (const vm of site.lab.vms) await vm.exec(tenMb)
})

test.after.always(() => site?.down())

test.serial('a client behind a gateway is served by all real servers, past the director', async t => {
  const counts = await site.request(30)
  t.deepEqual([...counts.keys()].sort(), ['web-1', 'web-2', 'web-3'])
  t.is(total(counts), 30)
})

test.serial('clients outside `clients` are not served; those inside are', async t => {
  const once = async () =>
    (await site.lab.client.exec(['curl', '-s', '-m', '2', `http://${VIP}/`], { check: false })).exitCode
  await site.drop('web.yaml', service({ clients: ['10.10.1.0/24'] }))
  const narrowed = (s: Status__Output) =>
    Number(s.switch?.flowChanges) > 0 && s.switch?.installedFlows === s.switch?.desiredFlows
  const before = site.director.status.latest?.switch?.flowChanges
  await site.director.until('narrowed', s => s.switch?.flowChanges !== before && narrowed(s))
  const capture = await site.lab.capture('client', `host ${VIP}`)
  t.is(await once(), 28, 'time-out: nobody answers, not even with a reset')
  t.false((await capture.stop()).some(packet => packet.ip?.src === VIP))
  await site.drop('web.yaml', service({ clients: ['10.10.1.0/24', '192.168.7.0/24'] }))
  await site.lab.client.exec(['curl', '-s', '-m', '5', '--retry', '5', '--retry-all-errors', `http://${VIP}/`])
  t.is((await site.request(10)).get('failed'), undefined)
  await site.drop('web.yaml', service())
})

const download = async (timeoutS: number) => {
  const write = ['-o', '/dev/null', '-w', '%{size_download}']
  const curl = ['curl', '-s', '-m', String(timeoutS), ...write, `http://${VIP}/ten`]
  const { stdout } = await site.lab.client.exec(curl, { check: false, timeoutMs: 60_000 })
  return Number(stdout)
}

/** Makes the VMs' kernels forget the MTU of paths. */
const forgetPaths = () => Promise.all(site.lab.vms.map(vm => vm.exec('ip route flush cache')))

test.serial('10 MB through a hop with a smaller MTU, by path MTU discovery across translated ports', async t => {
  await forgetPaths()
  const atDirector = await site.lab.capture('director', TUNNEL_FILTER)
  const atVms = await Promise.all(site.lab.vms.map(vm => site.lab.capture(vm.name, 'icmp')))
  // One connection to each: web-2 has an ingress port of its own.
  const heardByAll = () => atVms.every(capture => capture.packets.length > 0)
  for (let n = 0; n < 20 && !heardByAll(); n++) t.is(await download(30), TEN_MB)
  const errors = (await Promise.all(atVms.map(capture => capture.stop()))).map(packets =>
    packets.flatMap(packet => parseIcmpError(packet.bytes) ?? []),
  )
  for (const [n, heard] of errors.entries()) {
    t.true(heard.length > 0, `${site.lab.vms[n]?.name} has had its error`)
    const cited = heard.map(({ type, code, to, cited: { src, srcPort, dst } }) => ({
      type,
      code,
      to,
      src,
      srcPort,
      dst,
    }))
    const [client] = site.lab.plan.clients
    for (const each of cited) {
      t.deepEqual(each, { type: 3, code: 4, to: VIP, src: VIP, srcPort: 8080, dst: client!.ip })
    }
  }
  const sent = (await atDirector.stop()).flatMap(
    packet => parseIcmpError(decapsulate(packet)?.bytes ?? packet.bytes) ?? [],
  )
  const ports = new Set(sent.map(error => error.cited.srcPort))
  t.true(ports.has(80), 'as the router sent it, about the port of the VIP')
  t.true(ports.has(8080), 'as the director sent it on, about the ingress port')
})

test.serial('without the ICMP rule the same download stalls', async t => {
  await forgetPaths()
  const hosts = ['rs1', 'rs2'].map(name => site.lab.host(name))
  const rule = 'priority=65000,icmp,nw_dst=10.10.1.100,icmp_type=3'
  for (const host of hosts)
    await host.exec(['ovs-ofctl', '-O', 'OpenFlow15', 'add-flow', 'br0', `${rule},actions=drop`])
  t.true((await download(3)) < 100_000)
  for (const host of hosts) await host.exec(['ovs-ofctl', '-O', 'OpenFlow15', '--strict', 'del-flows', 'br0', rule])
  t.is(await download(30), TEN_MB)
})
