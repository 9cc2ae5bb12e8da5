import { recallMacOf } from '../../director/compile/fabric.ts'
import { DIRECTOR_MAC } from '../../test/segment/director.ts'
import { type Segment, startSegment } from '../../test/segment/segment.ts'
import { SETTINGS, VIP } from '../director/balancers.ts'
import { download, wrk } from '../director/load.ts'
import { median } from '../measure.ts'
import type { Report } from '../types.ts'
import { startWebServer } from '../web-server.ts'
import { DIRECTORS, FIRST_PORT, type Hosts, startHosts } from './hosts.ts'

const ROUNDS = 7
const SECONDS = 2
const DOWNLOAD = 400_000_000
/** Most that they may cost, relative to the figures without them. */
const GOAL = 0.03

/** What signals and recall cost a host: its bridge with a director and without one, in turn. Clients send to it directly. */
export async function cost(report: Report, outer: AsyncDisposableStack): Promise<void> {
  await using cleanup = new AsyncDisposableStack()
  outer.defer(() => cleanup.disposeAsync())
  const segment = await startSegment(cleanup, SETTINGS)
  const hosts = await startHosts(segment, 1, 1, FIRST_PORT)
  await serve(segment, hosts)
  const client = await segment.plug('eth0', 10)
  await client.run(`ip neigh replace ${VIP} lladdr ${hosts.mac(0)} dev eth0 nud permanent`)
  const director = await segment.plug('eth0', 50)
  // Teaches the fabric where signals go.
  await director.run(`ip link set eth0 address ${recallMacOf(DIRECTOR_MAC)} && ping -qc1 ${client.address}`)
  const ways = [
    { name: 'without', directors: [] },
    { name: 'with', directors: DIRECTORS },
  ] as const
  const address = `${VIP}:${FIRST_PORT}`
  const figures = new Map<string, Record<'without' | 'with', number[]>>()
  const note = (figure: string, way: 'without' | 'with', value: number) => {
    const lists = figures.get(figure) ?? { without: [], with: [] }
    figures.set(figure, lists)
    lists[way].push(value)
  }
  for (let round = 0; round < ROUNDS; round++) {
    // The two also take turns in going first.
    for (const { name, directors } of round % 2 === 0 ? ways : ways.toReversed()) {
      await hosts.load(directors)
      for (const close of [false, true]) {
        const what = close ? 'new connections' : 'requests kept alive'
        const before = await hosts.ovs.cpu()
        const { perSecond, total } = await wrk(client, address, close, SECONDS)
        note(`${what} a second`, name, perSecond)
        note(`${what}: CPU of ovs-vswitchd for each, µs`, name, ((await hosts.ovs.cpu()) - before) / total)
      }
      const before = await hosts.ovs.cpu()
      note('download, Mbit/s', name, await download(client, address, DOWNLOAD))
      note('download: CPU of ovs-vswitchd, ms/GB', name, ((await hosts.ovs.cpu()) - before) / 1000 / (DOWNLOAD / 1e9))
    }
  }
  for (const [figure, lists] of figures) {
    const dear = figure.includes('CPU')
    for (const { name } of ways)
      report({ name: `host, ${figure}: ${name} signals and recall`, value: median(lists[name]), unit: '' })
    const ratio = median(lists.with.map((value, i) => value / lists.without[i]!))
    const goal = dear ? { atMost: 1 + GOAL } : { atLeast: 1 - GOAL }
    report({ name: `host, ${figure}: with / without`, value: ratio, unit: '×', goal })
  }
}

async function serve({ dir }: Segment, { server }: Hosts): Promise<void> {
  await startWebServer(server, dir, FIRST_PORT)
  await server.run(
    `for i in $(seq 50); do curl -sSo /dev/null http://127.0.0.1:${FIRST_PORT}/ && exit; sleep 0.1; done`,
  )
}
