import test from 'ava'
import { ANYTHING } from '../../../agent/authority/judge.ts'
import { createServices } from '../../../agent/stations/services.ts'
import { openStore } from '../../../agent/store/store.ts'
import type { ServiceSpec } from '../../../shared/config/service.ts'
import { quiet } from '../../../shared/log/quiet.ts'
import { domain, inventory, port, ports, spec } from '../real-servers/fixtures.ts'
import { fakeClock } from '../run/fake-clock.ts'
import { startSimulated } from './agent.ts'
import { createModelSwitch } from './model-switch.ts'

const MINE = spec({ service: 'mine', source: { origin: 'file', file: '/etc/mine.yaml', line: 3 } })
const SENT = { file: '/d/web.yaml', line: 1, text: JSON.stringify({ ...spec(), source: undefined }) }

test('a document of the director that cannot be read leaves in force what it said before, also over a restart', t => {
  const inputs = (list: readonly { file: string; line: number; text: string }[]) => ({
    services: { synced: true, specs: [], problems: [], documents: [], files: [] },
    documents: { heard: true, byDirector: new Map([['d1', list]]) },
    withdrawn: false,
  })
  const bad = { ...SENT, text: `${SENT.text.slice(0, -1)}, "unheardOf": 1}` }
  const other = { file: '/d/other.yaml', line: 1, text: SENT.text.replace('web', 'other').replace(':80,', ':81,') }
  const names = ({ specs }: { readonly specs: readonly { readonly service: string }[] }) =>
    specs.map(one => one.service)
  const starting = (inForce: readonly ServiceSpec[]) =>
    createServices({ services: () => inForce, contested: () => ({}) })
  let services = starting([])
  t.deepEqual(names(services(inputs([SENT]), ANYTHING)), ['web'])
  for (let start = 0; start < 2; start++) {
    const found = services(inputs([bad]), ANYTHING)
    t.deepEqual(names(found), ['web'])
    t.like(found.problems[0], { file: '/d/web.yaml', lastGood: true })
    services = starting(found.inForce)
  }
  t.deepEqual(names(services(inputs([other]), ANYTHING)), ['other'], 'one that is gone is gone')
  t.deepEqual(names(services(inputs([bad]), ANYTHING)), [], 'nothing is known of it')
})

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
