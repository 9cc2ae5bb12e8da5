import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { flowKeyText, flowText } from '../../shared/openflow/text.ts'
import { type OpenVswitch, startOpenVswitch } from '../../test/segment/open-vswitch.ts'
import { startAgent } from '../agent.ts'
import { hostWith, withPort } from '../host.ts'
import { median, milliseconds } from '../measure.ts'
import type { Report, Suite } from '../types.ts'

const SIZES = [
  { services: 10, rounds: 15 },
  { services: 1000, rounds: 7 },
  { services: 10_000, rounds: 3 },
] as const

const suite: Suite = {
  name: 'reconcile',
  about:
    "the agent's reconcile, from service specs to flows that the switch has confirmed and SQLite has kept, " +
    'against ovs-ofctl -O OpenFlow15 --bundle with the very same flows (medians; ratios below 1: crossport is faster)',
  run: async (report, cleanup) => {
    const sw = await startOpenVswitch(cleanup)
    for (const { services, rounds } of SIZES) {
      await install(sw, services, rounds, report)
      await change(sw, services, rounds, report)
    }
  },
}
export default suite

/** Starts with a bridge without flows and an agent without a state file. */
async function install(sw: OpenVswitch, services: number, rounds: number, report: Report): Promise<void> {
  const ours: number[] = []
  const bundles: number[] = []
  const theirs: number[] = []
  let flows = 0
  for (let round = 0; round < rounds; round++) {
    await sw.ofctl(['del-flows'])
    {
      await using agent = await startAgent(sw.rundir, hostWith(services))
      ours.push(await milliseconds(agent.pass))
      bundles.push(agent.commitMs)
      flows = agent.flows().length
      await expectFlows(sw, flows)
      await writeFile(file(sw), agent.flows().map(flowText).join('\n'))
    }
    await sw.ofctl(['del-flows'])
    theirs.push(await milliseconds(() => sw.ofctl(['--bundle', 'add-flows', file(sw)])))
    await expectFlows(sw, flows)
    if (round === 0) await expectNothingToDo(sw, services)
  }
  const name = (what: string) => `install ${services} services: ${what}`
  report({ name: name('flows'), value: flows, unit: 'flows' })
  report({ name: name('reconcile'), value: median(ours), unit: 'ms' })
  report({ name: name('its bundle alone'), value: median(bundles), unit: 'ms' })
  report({ name: name('ovs-ofctl add-flows'), value: median(theirs), unit: 'ms' })
  report({ name: name('bundle / ovs-ofctl'), value: ratio(bundles, theirs), unit: '×', goal: { atMost: 1 } })
  report({ name: name('reconcile / ovs-ofctl'), value: ratio(ours, theirs), unit: '×', goal: { atMost: 2 } })
}

/** One service gets another real server port, on a host that has all the others. */
async function change(sw: OpenVswitch, services: number, rounds: number, report: Report): Promise<void> {
  const ours: number[] = []
  const whole: number[] = []
  const single: number[] = []
  const before = hostWith(services)
  const after = withPort(before, services >> 1, 8081)
  await sw.ofctl(['del-flows'])
  await using agent = await startAgent(sw.rundir, before)
  await agent.pass()
  const old = new Map(agent.flows().map(flow => [flowKeyText(flow), flowText(flow)]))

  for (let round = 0; round < rounds; round++) {
    agent.give(after)
    ours.push(await milliseconds(agent.pass))
    const now = new Map(agent.flows().map(flow => [flowKeyText(flow), flowText(flow)]))
    await agent.restore(before)

    // The usual way for an operator with a file of all flows: ovs-ofctl reads the table and sends the difference.
    await writeFile(file(sw), [...now.values()].join('\n'))
    whole.push(await milliseconds(() => sw.ofctl(['--bundle', 'replace-flows', file(sw)])))
    await agent.restore(before)

    // The same difference, calculated beforehand: the least work for ovs-ofctl.
    const gone = [...old.keys()].filter(key => !now.has(key)).map(key => `delete_strict ${key}`)
    const come = [...now].filter(([key, text]) => old.get(key) !== text).map(([, text]) => `add ${text}`)
    if (gone.length + come.length === 0) throw new Error('the change of a service changes no flow')
    await writeFile(file(sw), [...gone, ...come].join('\n'))
    single.push(await milliseconds(() => sw.ofctl(['--bundle', 'add-flows', file(sw)])))
    await expectFlows(sw, now.size)
    await agent.restore(before)
  }
  const name = (what: string) => `change 1 of ${services} services: ${what}`
  report({ name: name('reconcile'), value: median(ours), unit: 'ms' })
  report({ name: name('ovs-ofctl replace-flows'), value: median(whole), unit: 'ms' })
  report({ name: name('ovs-ofctl add-flows'), value: median(single), unit: 'ms' })
  report({ name: name('reconcile / replace-flows'), value: ratio(ours, whole), unit: '×', goal: { atMost: 1 } })
  report({ name: name('reconcile / add-flows'), value: ratio(ours, single), unit: '×' })
}

/** Rounds alternate, because the machine's speed drifts. */
function ratio(ours: readonly number[], theirs: readonly number[]): number {
  return median(ours.map((value, i) => value / theirs[i]!))
}

const file = (sw: OpenVswitch) => join(sw.rundir, 'flows')

/** Checks that the flows are there, because the figure would be worthless otherwise. */
async function expectFlows(sw: OpenVswitch, count: number): Promise<void> {
  const text = await sw.ofctl(['dump-aggregate'])
  const found = /flow_count=(\d+)/.exec(text)?.[1]
  if (Number(found) !== count) throw new Error(`the switch has ${found} flows where ${count} were to be`)
}

/** Checks that ovs-ofctl has installed exactly the agent's flows, because the comparison would be invalid otherwise. */
async function expectNothingToDo(sw: OpenVswitch, services: number): Promise<void> {
  await using agent = await startAgent(sw.rundir, hostWith(services))
  const { added, changed, deleted } = await agent.pass()
  if (added + changed + deleted > 0)
    throw new Error(`${added + changed + deleted} of ovs-ofctl's flows are not the agent's`)
}
