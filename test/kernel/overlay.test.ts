import test from 'ava'
import { parseIcmpError } from '../../shared/packet/icmp-error.ts'
import { createSite, service, VIP } from '../e2e/fixture.ts'
import { tunnelled } from '../e2e/variants.ts'
import { DATAPATH } from '../lab/datapath.ts'
import { traceRequest } from '../lab/trace.ts'

// Tunnels of the kernel between director, client's host and a host with two real servers; the client is behind a router whose
// link takes less than the tunnels do. A lab for each encapsulation.
const BIG = String(8 * 1024 * 1024)

test.before(() => {
  if (DATAPATH !== 'system') throw new Error('these tests need the test machine: npm run test:kernel')
})

for (const encapsulation of ['vxlan', 'geneve', 'gre'] as const)
  test.serial(
    `${encapsulation}: served through tunnels, with the addresses that it must have; a smaller MTU is found`,
    async t => {
      t.timeout(300_000)
      const site = await createSite({
        hosts: 1,
        overlay: { encapsulation },
        clients: [{}, { gateway: { mtu: 1280 } }],
        vms: 2,
      })
      t.teardown(() => site.down())
      await site.drop('web.yaml', service({ check: { type: 'tcp', timeout: '5s' } }))
      await site.ready('web', 2)
      const { lab } = site
      const seen = await tunnelled(lab, 'rs1', async () => {
        t.deepEqual([...(await site.request(8))].sort(), [['web-1', 4], ['web-2', 4]]) // biome-ignore format: a table
      })
      const replies = seen.filter(packet => packet.ip?.src === VIP && packet.outer.dst === '172.24.1.10')
      t.deepEqual([...new Set(replies.map(({ ports, networkKey }) => `${ports?.src} ${networkKey}`))], ['80 100'])

      const trace = await traceRequest(lab, VIP, 80, 8080, 36_000)
      t.deepEqual(trace.hops, trace.expected)
      t.is(trace.repliesAtDirector, 0)

      const download = ['curl', '-s', '-m', '60', '-o', '/dev/null', '-w', '%{size_download}', `http://${VIP}/big`]
      t.is((await lab.client.exec(download, { timeoutMs: 90_000 })).stdout, BIG)
      const heard = await Promise.all(lab.vms.map(vm => lab.capture(vm.name, 'icmp')))
      t.is((await lab.host('client2').exec(download, { check: false, timeoutMs: 90_000 })).stdout, BIG)
      const cited = (await Promise.all(heard.map(capture => capture.stop())))
        .flat()
        .flatMap(packet => parseIcmpError(packet.bytes)?.cited ?? [])
      t.deepEqual([...new Set(cited.map(({ src, srcPort }) => `${src}:${srcPort}`))], [`${VIP}:8080`])
    },
  )
