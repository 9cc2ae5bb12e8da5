import test, { type ExecutionContext } from 'ava'
import { openStore } from '../../../agent/store/store.ts'
import { quiet } from '../../../shared/log/quiet.ts'
import { domain, inventory, mac, port, ports, spec } from '../real-servers/fixtures.ts'
import { fakeClock } from '../run/fake-clock.ts'
import { startSimulated } from './agent.ts'
import { failingStore } from './failing-store.ts'
import { createModelSwitch } from './model-switch.ts'

const WEB = spec()
const HELD = `${mac(1)} ${WEB.vip}`

async function scene(t: ExecutionContext, specs: (typeof WEB)[]) {
  const store = failingStore(openStore(':memory:'))
  const clock = fakeClock()
  const sw = createModelSwitch('agent')
  const agent = startSimulated({ store, sw, clock, log: quiet, held: new Set() })
  const { inputs, guests } = agent
  const services = (list: (typeof WEB)[]) =>
    inputs.services.set({ synced: true, specs: list, problems: [], documents: [], files: [] })
  const settle = async () => {
    await clock.advance(1000)
    while (guests.settle(() => 0)) await clock.advance(1000)
  }
  services(specs)
  inputs.inventory.set(inventory(domain(1)))
  inputs.ports.set(ports(port(1)))
  agent.switchUp()
  await settle()
  t.teardown(() => {
    agent.kill()
    store.close()
  })
  return { agent, store, services, settle, clock, sw }
}

test('a real server that comes while nothing can be written is given its VIP by the next pass that can', async t => {
  const { agent, store, services, settle } = await scene(t, [])
  store.fail(1)
  services([WEB])
  await settle()
  t.is(store.left, 0)
  t.deepEqual([...agent.guests.held], [HELD])
  t.deepEqual(
    agent.cells.reports.get().list.map(({ state }) => state),
    ['ready'],
  )
})

test('a real server that goes while nothing can be written gives its VIP back', async t => {
  const { agent, store, services, settle, sw } = await scene(t, [WEB])
  t.deepEqual([...agent.guests.held], [HELD])
  store.fail(1)
  services([])
  await settle()
  t.is(store.left, 0)
  t.deepEqual([...agent.guests.held], [])
  t.deepEqual(agent.cells.reports.get().list, [])
  t.is(sw.flows.size, 0)
})

test('one that is back when it can be written again keeps its VIP, and is not told as gone', async t => {
  const { agent, store, services, clock, settle } = await scene(t, [WEB])
  const gone: string[] = []
  agent.cells.reports.subscribe(() => gone.push(...agent.cells.reports.get().gone))
  store.fail(1)
  services([])
  await clock.advance(3)
  t.is(store.left, 0)
  services([WEB])
  await settle()
  t.deepEqual([...agent.guests.held], [HELD])
  t.deepEqual(gone, [])
})

test('a readiness that could not be written down is written with the next pass', async t => {
  const { agent, store, services, settle } = await scene(t, [])
  services([WEB])
  agent.guests.settle(() => 0)
  await settle()
  t.is(store.readyRuns().size, 1)
  store.fail(1, 'changeReadyRuns')
  services([])
  await settle()
  t.is(store.left, 0)
  t.is(store.readyRuns().size, 0)
})
