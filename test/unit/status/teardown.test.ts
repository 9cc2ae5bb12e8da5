import test, { type ExecutionContext } from 'ava'
import type { House } from '../../../agent/house.ts'
import { openStore } from '../../../agent/store/store.ts'
import { teardown as tearDownAgent } from '../../../agent/teardown.ts'
import { setSite } from '../../../director/parts/bridge.ts'
import { teardown as tearDownDirector } from '../../../director/parts/teardown.ts'
import { openStore as openDirectorStore } from '../../../director/store/store.ts'
import { goodFile } from '../config/good-file.ts'
import { SITE } from '../director/site.ts'
import { domain, inventory, port, ports, spec } from '../real-servers/fixtures.ts'
import { fakeClock } from '../run/fake-clock.ts'
import { memoryLog } from '../run/memory-log.ts'
import { startSimulated } from '../simulation/agent.ts'
import { startDirector } from '../simulation/director.ts'
import { createModelSwitch } from '../simulation/model-switch.ts'

/** An agent with one real server that is ready, and an operator who wants it torn down. */
async function agentScene(t: ExecutionContext) {
  const clock = fakeClock()
  const sw = createModelSwitch('agent')
  const log = memoryLog()
  const store = openStore(':memory:')
  const agent = startSimulated({ store, sw, clock, log, held: new Set() })
  const { cells, inputs, guests, loop, applier } = agent
  const settle = async () => {
    await clock.advance(1000)
    while (guests.settle(() => 0)) await clock.advance(1000)
  }
  inputs.services.set({ synced: true, specs: [spec()], problems: [], documents: [], files: [] })
  inputs.inventory.set(inventory(domain(1)))
  inputs.ports.set(ports(port(1)))
  agent.switchUp()
  await settle()
  t.teardown(() => {
    agent.kill()
    store.close()
  })
  const house = {
    ...{ cells, loop, applier, log, clock, changed: cells.passed },
    records: { list: inputs.records.get },
    settings: { withdraw: async () => {} },
  } as unknown as House
  return { ...agent, ...operator(clock, (told, signal) => tearDownAgent(house, told, signal)), sw, clock, log, settle }
}

type Told = (what: string) => void

function operator(clock: ReturnType<typeof fakeClock>, begin: (told: Told, signal: AbortSignal) => Promise<unknown>) {
  const heard: string[] = []
  const gone = new AbortController()
  let end: unknown
  return {
    heard,
    begin: () => {
      begin(what => heard.push(what), gone.signal).then(
        reply => (end = reply),
        error => (end = error),
      )
    },
    goAway: () => {
      gone.abort(new Error('interrupted'))
      return clock.advance(1)
    },
    end: () => end,
  }
}

test('an agent whose switch is away says so, and tears down when it is back', async t => {
  const { heard, begin, end, switchDown, switchUp, settle, sw, guests } = await agentScene(t)
  switchDown()
  begin()
  await settle()
  t.is(heard[0], 'down')
  t.is(end(), undefined)
  t.not(sw.flows.size, 0)
  switchUp()
  await settle()
  await settle()
  t.like(end(), { vipsRemoved: 1 })
  t.is(sw.flows.size, 0)
  t.deepEqual([...guests.held], [])
})

test('an agent forgets a teardown that nobody waits for any more: nothing happens later', async t => {
  const { begin, end, goAway, switchDown, switchUp, settle, sw, guests, log, inputs } = await agentScene(t)
  const before = sw.flows.size
  switchDown()
  begin()
  await settle()
  await goAway()
  t.like(end(), { code: 'TEARDOWN_FORGOTTEN' })
  t.true(log.lines.some(({ level, message }) => level === 'notice' && message === 'what was taken out is put back'))
  switchUp()
  await settle()
  t.is(sw.flows.size, before)
  t.is(guests.held.size, 1)
  t.false(inputs.withdrawn.get())
})

test('an agent that was interrupted halfway puts back what it had taken out', async t => {
  const { begin, end, goAway, settle, sw, guests, clock } = await agentScene(t)
  const before = sw.flows.size
  begin()
  // The guest has not answered yet.
  await clock.advance(100)
  t.not(sw.flows.size, before)
  await goAway()
  t.like(end(), { code: 'TEARDOWN_FORGOTTEN' })
  await settle()
  t.is(sw.flows.size, before)
  t.is(guests.held.size, 1)
})

test('an agent whose guests do not answer says how many VIPs are left', async t => {
  const { begin, end, heard, clock, guests } = await agentScene(t)
  begin()
  await clock.advance(40_000)
  t.like(end(), { vipsRemoved: 0, vipsLeft: 1 })
  t.is(heard[0], 'guests to give back 1 VIPs')
  t.is(guests.held.size, 1)
})

async function directorScene(t: ExecutionContext) {
  const clock = fakeClock()
  const sw = createModelSwitch('director')
  const failing = new Set<'companion'>()
  const store = openDirectorStore(':memory:')
  const director = startDirector({ store, sw, clock, failing: failing as never, table: new Map() })
  t.teardown(() => {
    director.kill()
    store.close()
  })
  const { house, handlers } = director
  setSite(house, SITE)
  handlers.onUp()
  const file = goodFile('web.yaml', 'service: web\nvip: 10.10.1.100\nport: 80\nrealServers: [{ vm: x, port: 1 }]\n')
  house.cells.services.set({ ...file.parsed, synced: true, problems: [], files: [file] })
  await clock.advance(1000)
  return { ...director, ...operator(clock, (told, signal) => tearDownDirector(house, told, signal)), sw, clock }
}

test('a director whose switch is away says so, and tears down when it is back', async t => {
  const { heard, begin, end, handlers, clock, sw } = await directorScene(t)
  handlers.onDown('connection refused')
  begin()
  await clock.advance(2000)
  t.is(heard[0], 'the switch: connection refused')
  t.not(sw.flows.size, 0)
  handlers.onUp()
  await clock.advance(5000)
  t.truthy((end() as { flowsDeleted?: number }).flowsDeleted)
  t.is(sw.flows.size, 0)
})

test('a director whose switch fails meanwhile goes on, and forgets the teardown when nobody waits any more', async t => {
  const { heard, begin, end, goAway, clock, sw, house } = await directorScene(t)
  const before = sw.flows.size
  sw.failNext()
  begin()
  await clock.advance(20)
  t.is(end(), undefined)
  t.is(heard.length, 1)
  await goAway()
  t.like(end(), { code: 'TEARDOWN_FORGOTTEN' })
  await clock.advance(20_000)
  t.false(house.cells.tornDown.get())
  t.is(sw.flows.size, before)
})
