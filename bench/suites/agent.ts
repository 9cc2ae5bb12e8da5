import { watch } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { type BenchDirectory, makeDirectory, startDaemon } from '../daemon.ts'
import { hostWith } from '../host.ts'
import { median, milliseconds } from '../measure.ts'
import { type BenchSwitch, startSwitch } from '../ovs.ts'
import type { Report, Suite } from '../types.ts'

const SIZES = [10, 1000, 10_000] as const
const ROUNDS = 9
/** The agent's cookie and its mask (shared/flows/cookie.ts). */
const OURS = 'cookie=0xc705100000000000/0xfffff00000000000'

const suite: Suite = {
  name: 'agent',
  about:
    'the agent from service files to flows that the switch has confirmed, with 1,000 VMs: one changed file, cold start, ' +
    'restart, a stranger who deletes everything; against ovs-ofctl -O OpenFlow15 --bundle with the same flows',
  run: async (report, cleanup) => {
    const sw = await startSwitch(cleanup)
    const drops = new Map<number, number>()
    for (const services of SIZES) drops.set(services, await measure(sw, services, report, cleanup))
    const value = drops.get(10_000)! / drops.get(10)!
    report({ name: 'file → confirmed: 10000 services / 10 services', value, unit: '×', goal: { atMost: 1.5 } })
  },
}
export default suite

/** Returns the median of file → confirmed, ms. */
async function measure(
  sw: BenchSwitch,
  services: number,
  report: Report,
  cleanup: AsyncDisposableStack,
): Promise<number> {
  const name = (what: string) => `${services} services: ${what}`
  const directory = cleanup.use(await makeDirectory())
  const host = hostWith(services, 1000)
  for (const [n, spec] of host.specs.entries()) await directory.drop(`s${n}.yaml`, yaml(spec.vip, n, 8080))
  await sw.ofctl(['del-flows'])

  const coldBegin = performance.now()
  const daemon = startDaemon(sw.rundir, directory, host)
  await daemon.settled
  const cold = performance.now() - coldBegin
  const flows = daemon.desiredFlows()
  report({ name: name('flows'), value: flows, unit: 'flows' })
  const fileEvent = await eventLatency(directory)
  // Files that are only just written are read once more: their times are not trusted yet.
  await delay(200)

  const drops: number[] = []
  const bundles: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const n = services >> 1
    const done = daemon.confirmed()
    const begin = performance.now()
    await directory.drop(`s${n}.yaml`, yaml(host.specs[n]!.vip, n, 9000 + round))
    drops.push((await done) - begin)
    bundles.push(daemon.commitMs)
    await delay(100)
  }
  const drop = median(drops)
  const least = median(bundles) + fileEvent
  report({ name: name('file → confirmed'), value: drop, unit: 'ms' })
  report({ name: name('its bundle alone, and the file event'), value: least, unit: 'ms' })
  const goal = services === 1000 ? { goal: { atMost: 3 } } : {}
  report({ name: name('file → confirmed / bundle and file event'), value: drop / least, unit: '×', ...goal })

  // The very flows, as a stranger would keep them.
  const saved = (await sw.ofctl(['--no-stats', 'dump-flows'])).split('\n').filter(line => line.includes('actions='))
  const back = daemon.confirmed()
  await sw.ofctl(['del-flows', `${OURS}`])
  const deleted = performance.now()
  const repaired = Math.max(0, (await back) - deleted)
  await daemon[Symbol.asyncDispose]()

  const restartBegin = performance.now()
  const again = startDaemon(sw.rundir, directory, host)
  const changes = await again.settled
  const restart = performance.now() - restartBegin
  if (changes > 0) throw new Error(`a restart with nothing to change has changed ${changes} flows`)
  await again[Symbol.asyncDispose]()

  await sw.ofctl(['del-flows'])
  const theirs = await milliseconds(() => sw.ofctl(['--bundle', 'add-flows', '-'], saved.join('\n')))
  report({ name: name('ovs-ofctl add-flows'), value: theirs, unit: 'ms' })
  report({ name: name('cold start / ovs-ofctl'), value: cold / theirs, unit: '×', goal: { atMost: 1.5 } })
  report({
    name: name('restart, nothing to change / ovs-ofctl'),
    value: restart / theirs,
    unit: '×',
    goal: { atMost: 0.5 },
  })
  report({ name: name('all deleted → all back / ovs-ofctl'), value: repaired / theirs, unit: '×', goal: { atMost: 2 } })
  if (services === 10_000)
    report({
      name: name('memory of agent and benchmark'),
      value: process.memoryUsage().rss / 2 ** 20,
      unit: 'MiB',
      goal: { atMost: 150 },
    })
  return drop
}

/** From rename(2) to the watcher's callback, ms. */
async function eventLatency(directory: BenchDirectory): Promise<number> {
  const times: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const { promise, resolve } = Promise.withResolvers<number>()
    const watcher = watch(directory.services, (_type, name) => name === 'probe' && resolve(performance.now()))
    await delay(20)
    const begin = performance.now()
    await directory.drop('probe', 'x')
    times.push((await promise) - begin)
    watcher.close()
  }
  return median(times)
}

const yaml = (vip: string, n: number, port: number) =>
  `service: service-${n}\nvip: ${vip}\nport: 80\nscheduler: rr\nrealServers:\n  - vm: vm-${n % 1000}\n    port: ${port}\n`
