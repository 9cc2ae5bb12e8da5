import test from 'ava'
import { openStore } from '../../../agent/store/store.ts'
import { quiet } from '../../../shared/log/quiet.ts'
import { domain, inventory, mac, port, ports, spec } from '../real-servers/fixtures.ts'
import { fakeClock } from '../run/fake-clock.ts'
import { startSimulated } from './agent.ts'
import { createModelSwitch } from './model-switch.ts'

const STAYS = spec()
const GOES = spec({ service: 'other', vip: '10.10.1.101', port: 443 })

test('outlets that start while a pass that removes a real server is under way hear of its removal', async t => {
  const store = openStore(':memory:')
  const clock = fakeClock()
  let ms = 0
  const sw = createModelSwitch('agent')
  const options = { store, sw, clock, log: quiet, held: new Set<string>(), outletsAfter: 50, switchTakes: () => ms }
  const agent = startSimulated(options)
  t.teardown(() => {
    agent.kill()
    store.close()
  })
  const services = (...specs: (typeof STAYS)[]) =>
    agent.inputs.services.set({ synced: true, specs, problems: [], documents: [], files: [] })
  services(STAYS, GOES)
  agent.inputs.ports.set(ports(port(1)))
  agent.inputs.inventory.set(inventory(domain(1)))
  agent.switchUp()
  await clock.advance(20)
  t.deepEqual(
    agent.cells.outcome.get().realServers.map(({ service }) => service),
    ['other', 'web'],
  )
  ms = 100
  services(STAYS)
  await clock.advance(60)
  t.true(agent.loop.acting, 'the switch has not answered yet, and the outlets have started')
  t.deepEqual([...agent.guests.held], [])
  ms = 0
  await clock.advance(1000)
  while (agent.guests.settle(() => 0)) await clock.advance(1000)
  t.deepEqual([...agent.guests.held], [`${mac(1)} ${STAYS.vip}`])
  t.deepEqual(
    agent.cells.reports.get().list.map(({ service, state }) => [service, state]),
    [['web', 'ready']],
  )
})
