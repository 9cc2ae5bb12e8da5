import test from 'ava'
import { setSite } from '../../../director/parts/bridge.ts'
import { openStore } from '../../../director/store/store.ts'
import { PEER } from '../registry/fixture.ts'
import { fakeClock } from '../run/fake-clock.ts'
import { LEASE, startDirector } from '../simulation/director.ts'
import { createModelSwitch } from '../simulation/model-switch.ts'
import { SITE } from './site.ts'

const host = (n: number) => ({
  hostId: `h${n}`,
  hostMac: `02:00:00:00:00:2${n}`,
  hostIp: `172.24.1.2${n}`,
  version: '1',
  realServers: new Map(),
})

/** A director between models with one host; its process may be suspended for so many milliseconds. */
async function setUp() {
  const time = fakeClock()
  let skew = 0
  const clock = { ...time, now: () => time.now() + skew }
  const store = openStore(':memory:')
  const sw = createModelSwitch('director')
  const director = startDirector({ store, sw, clock, failing: new Set(), table: new Map() })
  const { cells } = director.house
  setSite(director.house, SITE)
  cells.services.set({ ...cells.services.get(), synced: true })
  director.handlers.onUp()
  director.agents.onRegistration(host(1), PEER)
  await time.advance(100)
  const state = () => cells.registry.get().hosts.get('h1')?.state
  const holdUp = (ms: number) => {
    skew += ms
  }
  return { ...director, time, state, holdUp }
}

test('a host whose agent says nothing for a whole lease is lost; any message brings it back', async t => {
  const { agents, time, state } = await setUp()
  await time.advance(LEASE - 200)
  t.is(state(), 'alive')
  agents.onAlive('h1')
  await time.advance(LEASE - 100)
  t.is(state(), 'alive')
  await time.advance(200)
  t.is(state(), 'lost')
  agents.onAlive('h1')
  await time.advance(100)
  t.is(state(), 'alive')
  await time.advance(LEASE)
  t.is(state(), 'lost', 'its new lease ends, too')
})

test('a director that was held up blames no host for what it could not hear', async t => {
  const { time, state, holdUp } = await setUp()
  await time.advance(LEASE / 2)
  holdUp(2 * LEASE)
  await time.advance(LEASE / 2 + 100)
  t.is(state(), 'alive')
  await time.advance(LEASE + 100)
  t.is(state(), 'lost')
})

test('a pass that was pending when the director was held up finds no host lost', async t => {
  const { house, time, state, holdUp } = await setUp()
  await time.advance(LEASE / 2)
  house.loop.mark('a change')
  holdUp(2 * LEASE)
  await time.advance(100)
  t.is(state(), 'alive', 'the pass comes before the timer of the leases')
  await time.advance(LEASE / 2 + 100)
  t.is(state(), 'alive')
  await time.advance(LEASE + 100)
  t.is(state(), 'lost')
})

test('a host that is heard first after the director was held up does not make others lost', async t => {
  const { agents, time, state, holdUp } = await setUp()
  await time.advance(LEASE / 2)
  holdUp(2 * LEASE)
  agents.onRegistration(host(2), PEER)
  await time.advance(100)
  t.is(state(), 'alive')
  await time.advance(LEASE + 100)
  t.is(state(), 'lost')
})
