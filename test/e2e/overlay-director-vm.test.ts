import test from 'ava'
import { recallMacOf } from '../../director/compile/fabric.ts'
import { createSite, service, total, VIP } from './fixture.ts'
import { tunnelled } from './variants.ts'

const D = '02:00:00:00:01:00'

test('the director as a VM on a host of its own: a segment is all that it knows of', async t => {
  const site = await createSite({
    hosts: 2,
    overlay: { directorVm: true },
    vms: [
      { name: 'web-1', host: 0 },
      { name: 'web-2', host: 1 },
    ],
  })
  t.teardown(() => site.down())
  await site.drop('web.yaml', service())
  await site.ready('web', 2)
  const seen = await tunnelled(site.lab, 'rs1', async () => {
    const counts = await site.request(30)
    t.deepEqual([...counts.keys()].sort(), ['web-1', 'web-2'])
    t.is(total(counts), 30)
  })
  const requests = seen.filter(({ ip, ethDst }) => ip?.dst === VIP && ethDst === '02:00:00:00:00:20')
  t.true(requests.length > 0)
  for (const { ethSrc, flags, ports, outer } of requests) {
    t.is(ethSrc, flags === 'S' ? recallMacOf(D) : D)
    t.deepEqual([ports?.dst, outer], [8080, { src: '172.24.1.100', dst: '172.24.1.20' }])
  }
  const fromVip = seen.filter(packet => packet.ip?.src === VIP)
  const signals = fromVip.filter(({ ethDst }) => ethDst === recallMacOf(D))
  t.deepEqual([...new Set(signals.map(({ outer }) => outer.dst))], ['172.24.1.100'])
  const replies = fromVip.filter(({ ethDst }) => ethDst !== recallMacOf(D))
  t.deepEqual([...new Set(replies.map(({ outer }) => outer.dst))], ['172.24.1.10'])
})
