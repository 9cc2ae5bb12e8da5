import { access } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { cpuOf } from '../../test/segment/open-vswitch.ts'
import { type Space, startSegment } from '../../test/segment/segment.ts'
import {
  type Crossport,
  SETTINGS,
  STATIC_VIP,
  startCrossport,
  startOthers,
  startServer,
  VIP,
} from '../director/balancers.ts'
import { download, wrk } from '../director/load.ts'
import { median } from '../measure.ts'
import type { Report, Suite } from '../types.ts'

/** Rounds of each figure; the ways take turns, because the machine's speed drifts. */
const ROUNDS = 5
const SECONDS = 2
const DOWNLOAD = 200_000_000
const CAPPED_DOWNLOAD = 25_000_000

const suite: Suite = {
  name: 'director',
  about:
    'one real server through the director, beside a static flow in the same switch, nftables NAT, HAProxy (tcp mode) and no ' +
    'balancer, in namespaces on one machine (medians of rounds in turn)',
  run: async (report, cleanup) => {
    for (const [file, name] of [
      ['/usr/sbin/haproxy', 'haproxy'],
      ['/usr/bin/wrk', 'wrk'],
    ] as const) {
      await access(file).catch(() => {
        throw new Error(`${name} is not installed: apt-get install ${name}`)
      })
    }
    const segment = await startSegment(cleanup, SETTINGS)
    const server = await startServer(segment)
    const client = await segment.plug('eth0', 10)
    const crossport = await startCrossport(segment, server, cleanup)
    const { nat, haproxy, haproxyPid } = await startOthers(segment, server)
    await crossport.realServers(10)
    const ways: Way[] = [
      { name: 'direct', address: server.address },
      { name: 'static flow', address: STATIC_VIP, cpu: crossport.cpu },
      { name: 'crossport', address: VIP, through: crossport.space, cpu: crossport.cpu },
      { name: 'nftables NAT', address: nat.address, through: nat },
      { name: 'HAProxy', address: haproxy.address, through: haproxy, cpu: () => cpuOf(haproxyPid) },
    ]
    for (const way of ways) await answers(client, way.address)
    await rates(client, ways, report)
    await downloads(client, server, ways, report)
    await growth(client, crossport, report)
  },
}
export default suite

interface Way {
  readonly name: string
  readonly address: string
  /** The namespace that the packets pass; undefined: none. */
  readonly through?: Space
  readonly cpu?: () => Promise<number>
}

async function answers(client: Space, address: string): Promise<void> {
  await client.run(
    `for i in $(seq 50); do curl -sS -o /dev/null --max-time 2 http://${address}/ && exit 0; sleep 0.1; done; exit 1`,
  )
}

async function rates(client: Space, ways: readonly Way[], report: Report): Promise<void> {
  for (const close of [true, false]) {
    const what = close ? 'new connections' : 'requests kept alive'
    const rate = new Map(ways.map(({ name }) => [name, [] as number[]]))
    const cost = new Map(ways.map(({ name }) => [name, [] as number[]]))
    for (let round = 0; round < ROUNDS; round++) {
      for (const way of ways) {
        const before = (await way.cpu?.()) ?? 0
        const { perSecond, total } = await wrk(client, way.address, close, SECONDS)
        rate.get(way.name)!.push(perSecond)
        if (way.cpu !== undefined) cost.get(way.name)!.push(((await way.cpu()) - before) / total)
      }
    }
    for (const { name } of ways) report({ name: `${what}: ${name}`, value: median(rate.get(name)!), unit: '1/s' })
    const against = (other: string, atLeast?: number) => {
      const ratios = rate.get('crossport')!.map((ours, i) => ours / rate.get(other)![i]!)
      const goal = atLeast === undefined ? {} : { goal: { atLeast } }
      report({ name: `${what}: crossport / ${other}`, value: median(ratios), unit: '×', ...goal })
    }
    against('static flow', close ? 0.95 : 0.9)
    against('nftables NAT', close ? 1.3 : undefined)
    against('HAProxy', 1.3)
    for (const { name, cpu } of ways) {
      if (cpu !== undefined)
        report({ name: `${what}: CPU of the balancer's process, ${name}`, value: median(cost.get(name)!), unit: 'µs' })
    }
  }
  for (const { name, address } of ways.filter(way => way.name === 'direct' || way.name === 'crossport')) {
    const times: number[] = []
    for (let i = 0; i < 20; i++) {
      times.push(1000 * Number(await client.run(`curl -s -o /dev/null -w '%{time_connect}' http://${address}/`)))
    }
    report({ name: `time to connect: ${name}`, value: median(times), unit: 'ms' })
  }
}

/** The real server's link has 1 Gbit/s, as a host's link would. */
async function downloads(client: Space, server: Space, ways: readonly Way[], report: Report): Promise<void> {
  await server.run('tc qdisc add dev eth0 root tbf rate 1gbit burst 1mb latency 50ms')
  const speeds = new Map(ways.map(({ name }) => [name, [] as number[]]))
  const passed = new Map<string, number>()
  for (let round = 0; round < 3; round++) {
    for (const { name, address, through } of ways) {
      const before = (await through?.bytes()) ?? 0
      speeds.get(name)!.push(await download(client, address, DOWNLOAD))
      if (through !== undefined) passed.set(name, ((await through.bytes()) - before) / DOWNLOAD)
    }
  }
  for (const [name, list] of speeds) report({ name: `download: ${name}`, value: median(list), unit: 'Mbit/s' })
  for (const [name, part] of passed) {
    report({ name: `download: through the balancer per GB, ${name}`, value: part * 1000, unit: 'MB' })
  }
  const part = passed.get('crossport')! / passed.get('nftables NAT')!
  report({ name: "download: crossport's bytes / nftables NAT's", value: part, unit: '×', goal: { atMost: 0.02 } })

  const capped = new Map(ways.map(({ name }) => [name, [] as number[]]))
  const devices = ways.flatMap(({ name, through }) => {
    return through === undefined ? [] : [{ through, device: name === 'crossport' ? 'uplink0' : 'eth0' }]
  })
  for (const { through, device } of devices) {
    await through.run(`tc qdisc add dev ${device} root tbf rate 100mbit burst 64kb latency 50ms`)
  }
  for (let round = 0; round < 3; round++) {
    for (const { name, address } of ways) {
      const bytes = name === 'nftables NAT' || name === 'HAProxy' ? CAPPED_DOWNLOAD : DOWNLOAD
      capped.get(name)!.push(await download(client, address, bytes))
    }
  }
  for (const { through, device } of devices) await through.run(`tc qdisc del dev ${device} root`)
  await server.run('tc qdisc del dev eth0 root')
  for (const [name, list] of capped) {
    report({ name: `download, balancer's uplink at 100 Mbit/s: ${name}`, value: median(list), unit: 'Mbit/s' })
  }
  const ratios = capped.get('crossport')!.map((ours, i) => ours / capped.get('direct')![i]!)
  report({ name: 'download, capped: crossport / direct', value: median(ratios), unit: '×', goal: { atLeast: 0.95 } })
}

async function growth(client: Space, crossport: Crossport, report: Report): Promise<void> {
  const few: number[] = []
  const many: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    await crossport.realServers(10)
    few.push((await wrk(client, VIP, true, SECONDS)).perSecond)
    await crossport.realServers(1000)
    await sleep(1000)
    many.push((await wrk(client, VIP, true, SECONDS)).perSecond)
  }
  report({
    name: 'new connections: 1,000 real servers / 10',
    value: median(many.map((n, i) => n / few[i]!)),
    unit: '×',
  })
}
