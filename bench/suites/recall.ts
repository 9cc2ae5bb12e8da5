import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { createInterface, type Interface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { askMeter } from '../../director/apply/meters.ts'
import { DIRECTOR_MAC, directorConfig, startDirectorSwitch } from '../../test/segment/director.ts'
import { type Segment, startSegment } from '../../test/segment/segment.ts'
import { SETTINGS, VIP } from '../director/balancers.ts'
import { startDirectorProcess } from '../director/process.ts'
import { cost } from '../recall/cost.ts'
import { DIRECTORS, FIRST_PORT, PORT, startHosts } from '../recall/hosts.ts'
import type { Report, Suite } from '../types.ts'

const FLOOD = 100_000
const FLEETS = [
  { hosts: 2, each: 2, connections: 10_000 },
  { hosts: 100, each: 5, connections: 1000 },
] as const

const suite: Suite = {
  name: 'recall',
  about:
    'idle connections whose director has lost its table speak again: alone, and while it is flooded with packets of no connection; ' +
    'two hosts, and 500 real servers on 100 hosts',
  run: async (report, cleanup) => {
    await cost(report, cleanup)
    for (const fleet of FLEETS) await recallAll(fleet, report, cleanup)
  },
}
export default suite

interface Heard {
  readonly all: number
  readonly median: number
  readonly p99: number
  readonly longest: number
  readonly unheard: number
  readonly lost: number
}

async function recallAll(
  { hosts: count, each, connections }: (typeof FLEETS)[number],
  report: Report,
  outer: AsyncDisposableStack,
): Promise<void> {
  await using cleanup = new AsyncDisposableStack()
  outer.defer(() => cleanup.disposeAsync())
  const segment = await startSegment(cleanup, SETTINGS)
  const sw = await startDirectorSwitch(segment)
  const hosts = await startHosts(segment, count, each)
  await hosts.load(DIRECTORS)
  const { dir } = segment
  await mkdir(`${dir}/services.d`, { recursive: true })
  await writeFile(
    `${dir}/services.d/web.yaml`,
    `service: web\nvip: ${VIP}\nport: ${PORT}\nscheduler: rr\nrealServers: [{ vm: web-*, port: ${FIRST_PORT} }]\n`,
  )
  const config = await directorConfig(dir, { leaseMs: 600_000 })
  const director = startDirectorProcess(config)
  cleanup.defer(() => director.stop())
  await director.passed()
  hosts.register(config.listen)
  while (!(await sw.ofctl(['dump-aggregate', 'table=104'])).includes(`flow_count=${count * each + 1}`)) await sleep(100)

  const lines = (child: ChildProcess) => createInterface({ input: child.stdout! })
  const next = async (from: Interface) => String((await once(from, 'line'))[0])
  const program = (name: string) => new URL(`../recall/${name}.ts`, import.meta.url).pathname
  const echo = hosts.server.start([process.execPath, program('echo'), `${FIRST_PORT}`, `${count * each}`], {
    output: 'pipe',
  })
  await next(lines(echo))
  const client = await segment.plug('eth0', 10)
  const idle = client.start([process.execPath, program('idle'), VIP, `${PORT}`, `${connections}`, dir], {
    output: 'pipe',
  })
  idle.stderr!.pipe(process.stderr)
  const told = lines(idle)
  await next(told)

  const what = `${connections} connections, ${count * each} real servers on ${count} hosts`
  let round = 0
  const speak = async (name: string, lose: boolean): Promise<Heard> => {
    const [before, there, here, far] = [
      await director.usage(),
      await hosts.asked(),
      await sw.cpu(),
      await hosts.ovs.cpu(),
    ]
    if (lose) await sw.appctl('dpctl/flush-conntrack')
    const begin = performance.now()
    await writeFile(`${dir}/${++round}`, '')
    const heard = JSON.parse(await next(told)) as Heard
    const ms = performance.now() - begin
    const tell = (figure: string, value: number, unit: string) =>
      report({ name: `${what}, ${name}: ${figure}`, value, unit })
    tell('half are answered after', heard.median, 'ms')
    tell('99 of 100 are answered after', heard.p99, 'ms')
    tell('the last is answered after', heard.longest, 'ms')
    if (heard.unheard > 0 || heard.lost > 0) tell('not answered in 15 s, or lost', heard.unheard, 'connections')
    // The switch's counters lag by a second.
    await sleep(1500)
    const asked = (await hosts.asked()) - there
    tell('copies', asked, 'packets')
    const secs = (performance.now() - begin) / 1000
    const { rate, burst } = askMeter(count)
    report({
      name: `${what}, ${name}: copies a second / what the meter allows`,
      value: asked / secs / ((rate + burst / secs) * count),
      unit: '×',
      goal: { atMost: 1.05 },
    })
    const after = await director.usage()
    tell('CPU: director', (after.cpu - before.cpu) / ms / 10, '%')
    tell('CPU: its ovs-vswitchd', ((await sw.cpu()) - here) / ms / 10, '%')
    tell("CPU: the hosts' ovs-vswitchd", ((await hosts.ovs.cpu()) - far) / ms / 10, '%')
    return heard
  }
  await speak('table intact', false)
  await speak('table lost', true)
  await flood(segment, speak, report, what)
}

async function flood(
  segment: Segment,
  speak: (name: string, lose: boolean) => Promise<Heard>,
  report: Report,
  what: string,
): Promise<void> {
  const attacker = await segment.plug('eth0', 11)
  const program = new URL('../../test/segment/flood.ts', import.meta.url).pathname
  const child = attacker.start([process.execPath, program, 'eth0', 'ack', DIRECTOR_MAC, VIP, `${PORT}`, `${FLOOD}`], {
    output: 'pipe',
  })
  child.stderr!.pipe(process.stderr)
  const rates: number[] = []
  createInterface({ input: child.stdout! }).on('line', line => {
    if (/^\d+$/.test(line)) rates.push(Number(line))
  })
  while (rates.length < 2) await sleep(100)
  const intact = await speak('table intact, in a flood', false)
  const heard = await speak('table lost, in a flood', true)
  report({
    name: `${what}, flood: strays a second`,
    value: rates.reduce((a, b) => a + b, 0) / rates.length,
    unit: '1/s',
  })
  report({
    name: `${what}, in a flood: not answered in 15 s, table lost / intact`,
    value: (heard.unheard + 1) / (intact.unheard + 1),
    unit: '×',
  })
}
