import { watch } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { type OpenVswitch, startOpenVswitch } from '../../test/segment/open-vswitch.ts'
import { type BenchDirectory, makeDirectory, monotonic, startDaemon } from '../daemon.ts'
import { hostWith } from '../host.ts'
import { median, milliseconds } from '../measure.ts'
import type { Report, Suite } from '../types.ts'

const SIZES = [10, 1000, 10_000] as const
const VMS = 1000
const ROUNDS = 9
/** The agent's cookie and its mask (shared/flows/cookie.ts). */
const OURS = 'cookie=0xc705100000000000/0xfffff00000000000'

const suite: Suite = {
  name: 'agent',
  about:
    'the agent, in a process of its own, from service files to flows that the switch has confirmed, with 1,000 VMs: one ' +
    'changed file, cold start, restart (both from the start of the process), a stranger who deletes everything; against ovs-ofctl -O OpenFlow15 --bundle with the same flows',
  run: async (report, cleanup) => {
    const sw = await startOpenVswitch(cleanup)
    const drops = new Map<number, number>()
    for (const services of SIZES) drops.set(services, await measure(sw, services, report, cleanup))
    const value = drops.get(10_000)! / drops.get(10)!
    report({ name: 'file → confirmed: 10000 services / 10 services', value, unit: '×', goal: { atMost: 1.5 } })
  },
}
export default suite

/** Returns the median time from a file to its confirmation, ms. */
async function measure(
  sw: OpenVswitch,
  services: number,
  report: Report,
  cleanup: AsyncDisposableStack,
): Promise<number> {
  const name = (what: string) => `${services} services: ${what}`
  const directory = cleanup.use(await makeDirectory())
  const host = hostWith(services, VMS)
  for (const [n, spec] of host.specs.entries()) await directory.drop(`s${n}.yaml`, yaml(spec.vip, n, 8080))
  await sw.ofctl(['del-flows'])
  // Recently written files are read once more, because their times are not trusted yet.
  await delay(200)

  // The first run does not count: after it, vswitchd has the memory for so many flows, as it has for those of ovs-ofctl below.
  const first = startDaemon(sw.rundir, directory, VMS, cleanup)
  await first.inSync
  await first.stop()
  await directory.forget()
  await sw.ofctl(['del-flows'])

  const daemon = startDaemon(sw.rundir, directory, VMS, cleanup)
  const begun = await daemon.begun
  const { flows } = await daemon.inSync
  const installed = daemon.confirmed.at(-1)!
  const cold = installed.at - daemon.startedAt
  report({ name: name('flows'), value: flows, unit: 'flows' })
  await daemon.saved
  const fileEvent = await eventLatency(directory)

  const drops: number[] = []
  const bundles: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const n = services >> 1
    const done = daemon.nextConfirmed()
    const begin = monotonic()
    await directory.drop(`s${n}.yaml`, yaml(host.specs[n]!.vip, n, 9000 + round))
    const { at, commitMs } = await done
    drops.push(at - begin)
    bundles.push(commitMs)
    await delay(100)
  }
  const drop = median(drops)
  const least = median(bundles) + fileEvent
  report({ name: name('file → confirmed'), value: drop, unit: 'ms' })
  report({ name: name('its bundle alone, and the file event'), value: least, unit: 'ms' })
  const goal = services === 1000 ? { goal: { atMost: 3 } } : {}
  report({ name: name('file → confirmed / bundle and file event'), value: drop / least, unit: '×', ...goal })

  // The same flows under a foreign cookie.
  const saved = (await sw.ofctl(['--no-stats', 'dump-flows'])).split('\n').filter(line => line.includes('actions='))
  const back = daemon.nextConfirmed()
  await sw.ofctl(['del-flows', `${OURS}`])
  const deleted = monotonic()
  const repaired = Math.max(0, (await back).at - deleted)
  await delay(1000)
  const memory = daemon.memory()
  await daemon.stop()

  const again = startDaemon(sw.rundir, directory, VMS, cleanup)
  const restarted = await again.inSync
  if (again.confirmed.length > 0) throw new Error('a restart with nothing to change has changed something')
  const restart = restarted.at - again.startedAt
  await delay(1000)
  const memoryAgain = again.memory()
  await again.stop()

  await sw.ofctl(['del-flows'])
  const theirs = await milliseconds(() => sw.ofctl(['--bundle', 'add-flows', '-'], saved.join('\n')))
  report({ name: name('ovs-ofctl add-flows'), value: theirs, unit: 'ms' })
  report({ name: name('start of the process'), value: begun.at - daemon.startedAt, unit: 'ms' })
  report({ name: name('cold start / ovs-ofctl'), value: cold / theirs, unit: '×', goal: { atMost: 1.5 } })
  report({
    name: name('restart, nothing to change / ovs-ofctl'),
    value: restart / theirs,
    unit: '×',
    goal: { atMost: 0.5 },
  })
  report({ name: name('all deleted → all back / ovs-ofctl'), value: repaired / theirs, unit: '×', goal: { atMost: 2 } })
  const limit = services === 10_000 ? { goal: { atMost: 150 } } : {}
  report({ name: name('memory of the agent (RSS)'), value: memory.now, unit: 'MiB', ...limit })
  report({ name: name('the same at its most'), value: memory.peak, unit: 'MiB' })
  report({ name: name('the same after a restart'), value: memoryAgain.now, unit: 'MiB', ...limit })
  return drop
}

/** Time from rename(2) to the watcher's callback, ms. */
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
  `service: service-${n}\nvip: ${vip}\nport: 80\nscheduler: rr\nrealServers:\n  - vm: vm-${n % VMS}\n    port: ${port}\n`
