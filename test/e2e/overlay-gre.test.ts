import test from 'ava'
import { recallMacOf } from '../../director/compile/fabric.ts'
import { createSite, curl, service, tally, total, VIP } from './fixture.ts'
import { tunnelled } from './variants.ts'

test('GRE; the director on the same host as a real server; a client host that nobody has listed', async t => {
  const site = await createSite({
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
  t.teardown(() => site.down())
  await site.drop('web.yaml', service())
  await site.ready('web', 2)
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
  const fromVip = seen.filter(packet => packet.ip?.src === VIP)
  const recallMac = recallMacOf(lab.plan.hosts.find(({ name }) => name === 'rs1')!.mac)
  const signals = fromVip.filter(({ ethDst }) => ethDst === recallMac)
  t.deepEqual([...new Set(signals.map(({ outer }) => outer.dst))], ['172.24.1.20'])
  const replies = fromVip.filter(({ ethDst }) => ethDst !== recallMac)
  t.deepEqual(
    [
      ...new Set(
        replies.map(({ outer, ports, networkKey }) => `${outer.src} > ${outer.dst} ${ports?.src} ${networkKey}`),
      ),
    ],
    ['172.24.1.21 > 172.24.1.10 80 100'],
  )

  // A VM on an RS host is the client of both real servers, one of them on the same host.
  const beside = tally((await lab.host('other-1').exec(curl(`http://${VIP}/`, 20))).stdout)
  t.deepEqual([...beside.keys()].sort(), ['web-1', 'web-2'])
  t.is(total(beside), 20)

  // rs2 answers only the listed host; the director answers everybody, and replies still find their way back.
  const answers = (host: string) =>
    seen.concat(other).filter(({ arp, outer }) => arp?.op === 2 && arp.spa === VIP && outer.dst === host).length
  const other = await tunnelled(lab, 'rs2', async () => {
    const { stdout } = await lab.host('client2').exec(curl(`http://${VIP}/`, 10))
    t.is(stdout.split('\n').length, 10)
  })
  t.true(answers('172.24.1.10') > 0)
  t.is(answers('172.24.1.11'), 0)
})
