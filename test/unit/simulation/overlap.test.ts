import test from 'ava'
import { openStore } from '../../../agent/store/store.ts'
import { quiet } from '../../../shared/log/quiet.ts'
import { domain, inventory, port, ports, spec } from '../real-servers/fixtures.ts'
import { fakeClock } from '../run/fake-clock.ts'
import { startSimulated } from './agent.ts'
import { createModelSwitch } from './model-switch.ts'

const MINE = spec({ service: 'mine', source: { origin: 'file', file: '/etc/mine.yaml', line: 3 } })
const SENT = { file: '/d/web.yaml', line: 1, text: JSON.stringify({ ...spec(), source: undefined }) }

test('a file on a host that overlaps a service of the director in force is refused, also over a restart', async t => {
  const store = openStore(':memory:')
  const clock = fakeClock()
  const sw = createModelSwitch('agent')
  const held = new Set<string>()
  const start = () => startSimulated({ store, sw, clock, log: quiet, held })
  let agent = start()
  t.teardown(() => {
    agent.kill()
    store.close()
  })
  const tell = async (own: readonly (typeof MINE)[]) => {
    agent.inputs.services.set({ synced: true, specs: own, problems: [], documents: [], files: [] })
    agent.inputs.ports.set(ports(port(1)))
    agent.inputs.inventory.set(inventory(domain(1)))
    if (agent.inputs.switch.get().session === undefined) agent.switchUp()
    await clock.advance(1000)
    while (agent.guests.settle(() => 0)) await clock.advance(1000)
  }
  const served = () => agent.cells.reports.get().list.map(({ service, state }) => `${service} ${state}`)
  const problems = () =>
    agent.cells.outcome.get().specProblems.map(({ file, line, reason }) => `${file}:${line} ${reason}`)
  const refused = [
    "/etc/mine.yaml:3 10.10.1.100 tcp port 80 already belongs to service 'web' in /d/web.yaml:1 (from the director)",
  ]

  agent.inputs.documents.set({ heard: true, byDirector: new Map([['d1', [SENT]]]) })
  await tell([])
  t.deepEqual(served(), ['web ready'])
  const { commits } = sw
  await tell([MINE])
  t.deepEqual(served(), ['web ready'])
  t.deepEqual(problems(), refused)
  agent.kill()
  agent = start()
  await tell([MINE])
  t.deepEqual(served(), ['web ready'])
  t.deepEqual(problems(), refused)
  t.is(sw.commits, commits)
  agent.inputs.documents.set({ heard: true, byDirector: new Map([['d1', []]]) })
  await tell([MINE])
  t.deepEqual(served(), ['mine ready'])
  t.deepEqual(problems(), [])
})
