import test, { type ExecutionContext } from 'ava'
import { openStore } from '../../../agent/store/store.ts'
import { quiet } from '../../../shared/log/quiet.ts'
import { domain, inventory, mac, port, ports, spec, uuid } from '../real-servers/fixtures.ts'
import { fakeClock } from '../run/fake-clock.ts'
import { startSimulated } from './agent.ts'
import { failingStore, WRITES } from './failing-store.ts'
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

test('one that is back before its going was told keeps its VIP, and is not told as gone', async t => {
  const other = spec({ service: 'other', vip: '10.10.1.101' })
  const { agent, services, clock, settle } = await scene(t, [WEB, other])
  const gone: string[] = []
  agent.cells.reports.subscribe(() => gone.push(...agent.cells.reports.get().gone))
  // The outlet of the reports fails once.
  const { health } = agent.inputs
  const before = health.get()
  const failing = () => {
    health.set(before)
    throw new Error('the model fails')
  }
  health.set({ ...before, health: failing })
  services([other])
  await clock.advance(3)
  t.is(health.get(), before)
  services([WEB, other])
  await settle()
  t.deepEqual([...agent.guests.held].sort(), [HELD, `${mac(1)} ${other.vip}`].sort())
  t.deepEqual(gone, [])
})

test('an outlet that fails keeps no other from an outcome', async t => {
  const { agent, services, clock, settle } = await scene(t, [WEB])
  const { set } = agent.guests
  agent.guests.set = () => {
    throw new Error('the model fails')
  }
  services([])
  await clock.advance(3)
  t.deepEqual(agent.cells.reports.get().list, [])
  t.is(agent.loop.lastError?.message, 'the model fails')
  agent.guests.set = set
  await settle()
  t.deepEqual([...agent.guests.held], [])
  t.is(agent.loop.lastError, undefined)
})

const ALL = undefined
for (const write of [ALL, ...WRITES]) {
  const name = write ?? 'every write'
  test(`${name} fails, again and again: what goes and what dies is told at once, and what comes back serves`, async t => {
    const other = spec({
      service: 'other',
      vip: '10.10.1.101',
      port: 443,
      realServers: [{ vm: 'web-1', port: 8443, weight: 1 }],
    })
    const { agent, store, services, clock, settle } = await scene(t, [WEB, other])
    const states = () => agent.cells.reports.get().list.map(({ service, state }) => `${service} ${state}`)
    t.deepEqual(states(), ['other ready', 'web ready'])
    store.fail(Number.POSITIVE_INFINITY, write)
    services([WEB])
    await clock.advance(3)
    t.deepEqual(states(), ['web ready'])
    agent.inputs.inventory.set(inventory(domain(1, { state: 'shutoff', runId: undefined })))
    // A mark during the backoff of a failed pass.
    await clock.advance(110)
    t.deepEqual(states(), ['web down'])
    agent.inputs.inventory.set(inventory(domain(1, { runId: 2 })))
    await settle()
    t.deepEqual(states(), ['web ready'])
    store.fail(0)
    await settle()
    t.false(agent.loop.dirty)
    t.deepEqual(
      store.allocations().map(({ key }) => key),
      [`web/${uuid(1)}/8080`],
    )
    t.deepEqual(
      store.domains().map(({ runId }) => runId),
      [2],
    )
  })
}

test('a new real server waits for its number to be written and is named; all others go on', async t => {
  const { agent, store, services, settle, sw } = await scene(t, [WEB])
  const before = sw.flows.size
  const other = spec({ service: 'other', vip: '10.10.1.101' })
  store.fail(Number.POSITIVE_INFINITY, 'changeAllocations')
  services([WEB, other])
  await settle()
  const { realServers, realServerProblems } = agent.cells.outcome.get()
  t.deepEqual(
    realServers.map(({ service }) => service),
    ['web'],
  )
  t.is(sw.flows.size, before + 2, 'no flow of its own but those that keep its VIP from other VMs')
  t.deepEqual(
    realServerProblems.map(({ code, subject }) => [code, subject]),
    [['STORE_FAILED', `other/${uuid(1)}/8080`]],
  )
  t.regex(realServerProblems[0]!.message, /^other on VM web-1 waits.*the disk is full$/)
  t.regex(agent.loop.lastError?.message ?? '', /the disk is full/)
  store.fail(0)
  await settle()
  t.deepEqual(agent.cells.outcome.get().realServerProblems, [])
  t.deepEqual([...agent.guests.held].sort(), [HELD, `${mac(1)} ${other.vip}`].sort())
})

test('a number that has become free is given again only when that can be written', async t => {
  const { agent, store, services, settle } = await scene(t, [WEB])
  const other = spec({ service: 'other', vip: '10.10.1.101' })
  const names = () => agent.cells.outcome.get().realServers.map(({ service }) => service)
  store.fail(Number.POSITIVE_INFINITY, 'changeAllocations')
  services([other])
  await settle()
  t.deepEqual(names(), [], 'it would have the number of the one that has gone')
  services([WEB])
  await settle()
  t.deepEqual(names(), ['web'], 'it has the number that is written down for it')
  store.fail(0)
  services([WEB, other])
  await settle()
  t.deepEqual(names(), ['other', 'web'])
  t.is(new Set(store.allocations().map(({ id }) => id)).size, 2)
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
