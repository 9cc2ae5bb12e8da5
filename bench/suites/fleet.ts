import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { controlClient } from '../../shared/rpc/client.ts'
import { readStatus } from '../../shared/rpc/status.ts'
import { type DirectorSwitch, directorConfig, startDirectorSwitch } from '../../test/segment/director.ts'
import { type Space, startSegment } from '../../test/segment/segment.ts'
import { SETTINGS, startServer } from '../director/balancers.ts'
import { makeCertificates } from '../director/certificates.ts'
import { createFleet, type Fleet, HOSTS, REAL_SERVERS, TAKES_ALL, vipOf } from '../director/fleet.ts'
import { type Changed, type DirectorProcess, startDirectorProcess, wallNow } from '../director/process.ts'
import { median, milliseconds } from '../measure.ts'
import type { Report, Suite } from '../types.ts'

const SIZES = [10, 1000] as const
const ROUNDS = 7
const LEASE_MS = 10_000
/** After so long without a bundle, nothing is left to do. */
const QUIET_MS = 1000
/** Connections a second, and the duration. */
const RATE = 200
const SECONDS = 4
const ACTIVE = [1, 20, 200] as const
/** The networks of all VIPs. */
const VIPS = '10.64.0.0/16'
const OURS = 'cookie=0xc705200000000000/0xfffff00000000000'
/** Flows of kind `forward` (shared/flows/cookie.ts): one per real server. */
const FORWARD = 'cookie=0xc705202600000000/0xffffffff00000000'

const suite: Suite = {
  name: 'fleet',
  about:
    'one director with 10 and with 1,000 services of 20 real servers each, which 50 agents register: install, one change of each kind, ' +
    'accounting while connections come, memory and stalls; against ovs-ofctl --bundle with the same flows and groups',
  run: async (report, cleanup) => {
    const [few, many] = [await measure(SIZES[0], report, cleanup), await measure(SIZES[1], report, cleanup)]
    await secured(SIZES[1], many.get(DIAL_IN) ?? 0, report, cleanup)
    for (const [what, value] of many) {
      const before = few.get(what)
      if (before !== undefined)
        report({ name: `${what}: ${SIZES[1]} services / ${SIZES[0]} services`, value: value / before, unit: '×' })
    }
  },
}
export default suite

const DIAL_IN = '50 agents dial in → all confirmed'

/** The same with certificates on both sides, as it is out of the box, beside the time without. */
async function secured(services: number, clear: number, report: Report, outer: AsyncDisposableStack): Promise<void> {
  await using cleanup = new AsyncDisposableStack()
  outer.defer(() => cleanup.disposeAsync())
  const segment = await startSegment(cleanup, SETTINGS)
  const server = await startServer(segment)
  await server.run(`ip route add local ${VIPS} dev lo`)
  const sw = await startDirectorSwitch(segment)
  const hosts = Array.from({ length: HOSTS }, (_, n) => `host-${n}`)
  const { director: tls, tlsOf } = await makeCertificates(join(segment.dir, 'pki'), hosts)
  const config = await directorConfig(segment.dir, { leaseMs: LEASE_MS, tls })
  const fleet = cleanup.use(await createFleet(segment.dir, config.listen, services, tlsOf))
  for (let n = 0; n < services; n++) await fleet.drop(n)
  const director = startDirectorProcess(config)
  cleanup.defer(() => director.stop())
  await director.passed()
  const install = await installed(director, fleet, sw)
  report({ name: `${services} services: ${DIAL_IN}, with certificates`, value: install, unit: 'ms' })
  report({ name: `${services} services: with certificates / in the clear`, value: install / clear, unit: '×' })
  await director.stop()
}

/** Figures that are compared between sizes. */
type Figures = Map<string, number>

async function measure(services: number, report: Report, outer: AsyncDisposableStack): Promise<Figures> {
  await using cleanup = new AsyncDisposableStack()
  outer.defer(() => cleanup.disposeAsync())
  const figures: Figures = new Map()
  const tell = (what: string, value: number, unit: string, compare = false) => {
    report({ name: `${services} services: ${what}`, value, unit })
    if (compare) figures.set(what, value)
  }
  const segment = await startSegment(cleanup, SETTINGS)
  const server = await startServer(segment)
  await server.run(`ip route add local ${VIPS} dev lo`)
  await server.run('/usr/sbin/nft -f -', TAKES_ALL)
  const client = await segment.plug('eth0', 10)
  await client.run(`ip route add ${VIPS} dev eth0`)
  const sw = await startDirectorSwitch(segment)
  const config = await directorConfig(segment.dir, { leaseMs: LEASE_MS })
  const fleet = cleanup.use(await createFleet(segment.dir, config.listen, services))
  for (let n = 0; n < services; n++) await fleet.drop(n)

  let director = startDirectorProcess(config)
  cleanup.defer(() => director.stop())
  const stall = async () => tell('longest stall meanwhile', (await director.usage()).stall, 'ms')

  await director.passed()
  tell('start → files in force', wallNow() - director.begun, 'ms')
  const install = await installed(director, fleet, sw)
  tell(DIAL_IN, install, 'ms')
  figures.set(DIAL_IN, install)
  await stall()
  // Recently written files are read once more, because their times are not trusted yet.
  await sleep(500)
  const { rss } = await director.usage(true)
  tell('memory of the director', rss / 2 ** 20, 'MiB')

  const status = await milliseconds(() => getStatus(config.controlSocket))
  tell('status answered', status, 'ms')
  await stall()

  const file = await rounds(director, n => fleet.drop(n, `10.${n % 100}.0.0/16`), services)
  tell('one file changed → confirmed', file, 'ms', true)
  await stall()
  const state = await rounds(
    director,
    n => fleet.change((n * REAL_SERVERS) % HOSTS, n, { state: 'down', reason: 'gone' }),
    services,
  )
  tell('one real server down → confirmed', state, 'ms', true)
  await stall()

  const lost = settled(director)
  await fleet.stop(HOSTS - 1)
  await lost
  await director.usage().then(({ stall }) => tell('host lost: longest stall', stall, 'ms'))
  const back = settled(director)
  const begin = wallNow()
  fleet.start(HOSTS - 1)
  tell(`host with ${(services * REAL_SERVERS) / HOSTS} real servers back → confirmed`, (await back) - begin, 'ms')
  await stall()

  await accounting(client, director, sw, services, tell)

  await director.stop()
  director = startDirectorProcess(config)
  const count = director.changes.length
  const restart = (await director.passed()) - director.begun
  if (director.changes.length > count) throw new Error('a restart with nothing to change has changed something')
  tell('restart, nothing to change', restart, 'ms')
  await stall()
  await director.stop()

  const { flows, groups } = await saved(sw)
  tell('flows', flows.length, 'flows')
  await sw.ofctl(['del-flows', OURS])
  await sw.ofctl(['del-groups'])
  const theirs = await milliseconds(async () => {
    await sw.ofctl(['--bundle', 'add-groups', '-'], groups.join('\n'))
    await sw.ofctl(['--bundle', 'add-flows', '-'], flows.join('\n'))
  })
  tell('ovs-ofctl add-groups and add-flows', theirs, 'ms')
  tell('install / ovs-ofctl', install / theirs, '×')
  tell('restart / ovs-ofctl', restart / theirs, '×')
  return figures
}

/** All agents connect at once; ms until the last real server is in the switch. */
async function installed(director: DirectorProcess, fleet: Fleet, sw: DirectorSwitch): Promise<number> {
  const begin = wallNow()
  for (let host = 0; host < HOSTS; host++) fleet.start(host)
  const wanted = `flow_count=${fleet.services * REAL_SERVERS}`
  while (!(await sw.ofctl(['dump-aggregate', FORWARD])).includes(wanted)) await sleep(100)
  return director.changes.at(-1)!.at - begin
}

async function getStatus(socket: string): Promise<void> {
  const client = controlClient(socket)
  await readStatus(client)
  client.close()
}

/** When the last of the bundles after an event is confirmed. */
async function settled(director: DirectorProcess): Promise<number> {
  let last = await director.changed()
  for (;;) {
    const next = await Promise.race([director.changed(), sleep(QUIET_MS)])
    if (next === undefined) return last.at
    last = next
  }
}

/** Median time of a change until it is in the switch, ms. */
async function rounds(
  director: DirectorProcess,
  change: (service: number) => unknown,
  services: number,
): Promise<number> {
  const times: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const done: Promise<Changed> = director.changed()
    const begin = wallNow()
    await change((services >> 1) - 3 + (round % services))
    times.push((await done).at - begin)
    await sleep(300)
  }
  return median(times)
}

async function accounting(
  client: Space,
  director: DirectorProcess,
  sw: DirectorSwitch,
  services: number,
  tell: (what: string, value: number, unit: string, compare?: boolean) => void,
): Promise<void> {
  const share = async (work: () => Promise<unknown>) => {
    const [before, there] = [await director.usage(), await sw.cpu()]
    const time = await milliseconds(work)
    const { cpu, stall } = await director.usage()
    return { cpu: (cpu - before.cpu) / time / 10, switch: ((await sw.cpu()) - there) / time / 10, stall }
  }
  const idle = await share(() => sleep(SECONDS * 1000))
  tell('CPU while idle: director', idle.cpu, '%', true)
  tell('CPU while idle: ovs-vswitchd', idle.switch, '%')
  for (const active of ACTIVE.filter(n => n <= services)) {
    const addresses = Array.from({ length: active }, (_, n) => vipOf(n)).join(' ')
    const script = new URL('../director/connect.ts', import.meta.url).pathname
    let failed = ''
    const busy = await share(async () => {
      const answer = await client.run(`${process.execPath} ${script} ${RATE} ${SECONDS} ${addresses}`)
      failed = answer.split(' ')[1]!
    })
    if (failed !== '0') throw new Error(`${failed} connections have failed`)
    const what = `CPU at ${RATE} connections/s to ${active} services`
    tell(`${what}: director`, busy.cpu, '%', true)
    tell(`${what}: ovs-vswitchd`, busy.switch, '%')
    tell(`${what}: longest stall`, busy.stall, 'ms')
  }
}

/** Our flows and groups as text for ovs-ofctl. */
async function saved(sw: DirectorSwitch): Promise<{ flows: string[]; groups: string[] }> {
  const lines = (text: string) => text.split('\n').filter(line => line.includes('actions='))
  return {
    flows: lines(await sw.ofctl(['--no-stats', 'dump-flows', OURS])),
    groups: lines(await sw.ofctl(['dump-groups'])),
  }
}
