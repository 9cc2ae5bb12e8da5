import test, { type ExecutionContext } from 'ava'
import type { Lab } from '../lab/lab.ts'
import { decapsulate, TUNNEL_FILTER } from '../lab/tunnel.ts'
import { createSite, curl, type Site, type SiteOptions, service, tally, total, VIP } from './fixture.ts'

const D = '02:00:00:00:01:00'

async function started(t: ExecutionContext, options: SiteOptions): Promise<Site> {
  const site = await createSite(options)
  t.teardown(() => site.down())
  await site.drop('web.yaml', service())
  await site.ready('web', options.hosts ?? 2)
  return site
}

/** What goes through a host's tunnels while `act` runs. */
async function tunnelled(lab: Lab, host: string, act: () => Promise<unknown>) {
  const capture = await lab.capture(host, TUNNEL_FILTER)
  await act()
  return (await capture.stop()).flatMap(packet => decapsulate(packet) ?? [])
}

test.serial('GRE; the director on the same host as a real server; a client host that nobody has listed', async t => {
  const site = await started(t, {
    hosts: 2,
    directors: 0,
    directorHost: 'rs1',
    clients: 2,
    overlay: { encapsulation: 'gre' },
    agentConfig: { clientHosts: ['172.24.1.10', '172.24.1.20', '172.24.1.21'] },
    vms: [
      { name: 'web-1', host: 0 },
      { name: 'web-2', host: 1 },
      { name: 'other-1', host: 1, kind: 'light' },
    ],
  })
  const { lab } = site
  const seen = await tunnelled(lab, 'rs2', async () => {
    const counts = await site.request(30)
    t.deepEqual([...counts.keys()].sort(), ['web-1', 'web-2'])
    t.is(total(counts), 30)
  })
  const requests = seen.filter(packet => packet.ip?.dst === VIP && packet.ports?.dst === 8080)
  t.deepEqual(
    [...new Set(requests.map(packet => `${packet.outer.src} > ${packet.outer.dst}`))],
    ['172.24.1.20 > 172.24.1.21'],
  )
  const replies = seen.filter(packet => packet.ip?.src === VIP)
  t.deepEqual(
    [
      ...new Set(
        replies.map(({ outer, ports, networkKey }) => `${outer.src} > ${outer.dst} ${ports?.src} ${networkKey}`),
      ),
    ],
    ['172.24.1.21 > 172.24.1.10 80 100'],
  )

  // A VM on an RS host as the client: both real servers, the one beside it too.
  const beside = tally((await lab.host('other-1').exec(curl(`http://${VIP}/`, 20))).stdout)
  t.deepEqual([...beside.keys()].sort(), ['web-1', 'web-2'])
  t.is(total(beside), 20)

  // rs2 answers the listed host only; the director answers everybody, and replies find their way back all the same.
  const answers = (host: string) =>
    seen.concat(other).filter(({ arp, outer }) => arp?.op === 2 && arp.spa === VIP && outer.dst === host).length
  const other = await tunnelled(lab, 'rs2', async () => {
    const { stdout } = await lab.host('client2').exec(curl(`http://${VIP}/`, 10))
    t.is(stdout.split('\n').length, 10)
  })
  t.true(answers('172.24.1.10') > 0)
  t.is(answers('172.24.1.11'), 0)
})

test.serial('the director as a VM on a host of its own: a segment is all that it knows of', async t => {
  const site = await started(t, {
    hosts: 2,
    overlay: { directorVm: true },
    vms: [
      { name: 'web-1', host: 0 },
      { name: 'web-2', host: 1 },
    ],
  })
  const seen = await tunnelled(site.lab, 'rs1', async () => {
    const counts = await site.request(30)
    t.deepEqual([...counts.keys()].sort(), ['web-1', 'web-2'])
    t.is(total(counts), 30)
  })
  const requests = seen.filter(({ ip, ethDst }) => ip?.dst === VIP && ethDst === '02:00:00:00:00:20')
  t.true(requests.length > 0)
  for (const { ethSrc, ports, outer } of requests) {
    t.deepEqual([ethSrc, ports?.dst, outer], [D, 8080, { src: '172.24.1.100', dst: '172.24.1.20' }])
  }
  const replies = seen.filter(packet => packet.ip?.src === VIP)
  t.deepEqual([...new Set(replies.map(({ outer }) => outer.dst))], ['172.24.1.10'])
})
