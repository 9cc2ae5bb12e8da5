import test, { type ExecutionContext } from 'ava'
import { setSite } from '../../../director/parts/bridge.ts'
import { openStore } from '../../../director/store/store.ts'
import { goodFile } from '../config/good-file.ts'
import { PEER, reported } from '../registry/fixture.ts'
import { fakeClock } from '../run/fake-clock.ts'
import { IDLE_SECONDS, type Surroundings, startDirector } from '../simulation/director.ts'
import { createModelSwitch } from '../simulation/model-switch.ts'
import { SITE } from './site.ts'

/** A director between models, with a limited range of numbers for services, and scripted service files. */
async function setUp(t: ExecutionContext, last = 0xbfff) {
  const clock = fakeClock()
  const sw = createModelSwitch('director')
  const failing: Surroundings['failing'] = new Set()
  const table = new Map<number, string>()
  const store = openStore(':memory:', { mark: { first: 1, last: 999 }, service: { first: 1, last } })
  const director = startDirector({ store, sw, clock, failing, table })
  t.teardown(() => {
    director.kill()
    store.close()
  })
  const { cells } = director.house
  setSite(director.house, SITE)
  director.handlers.onUp()
  const files = async (...ports: number[]) => {
    const all = ports.map(port =>
      goodFile(
        `s${port}.yaml`,
        `service: s${port}\nvip: 10.10.1.1\nport: ${port}\nrealServers: [{ vm: x, port: 1 }]\n`,
      ),
    )
    const [specs, documents] = [all.flatMap(({ parsed }) => parsed.specs), all.flatMap(file => file.parsed.documents)]
    cells.services.set({ synced: true, specs, problems: [], documents, files: all })
    await clock.advance(1000)
  }
  const numbers = () => [...store.numbers.named('service').values()].sort((a, b) => a - b)
  return { ...director, cells, clock, sw, failing, table, files, numbers }
}

const key = (port: number) => `tcp 10.10.1.1:${port}`

test('what is gone is told to every outlet, also when the pass fails that has learnt of it', async t => {
  const { files, sw, told, clock, house } = await setUp(t)
  await files(80, 81)
  t.deepEqual([...told.services], [key(80), key(81)])
  sw.failNext()
  await files(80)
  await clock.advance(5000)
  t.is(house.loop.failures, 0)
  t.deepEqual([...told.services], [key(80)])
})

test('an outlet that fails is told again; the others are not kept from it', async t => {
  const { files, failing, told, house } = await setUp(t)
  await files(80)
  const later: string[] = []
  house.outcomes.plug({ name: 'later', take: (_, gone) => void later.push(...gone.services.map(one => one.key)) })
  failing.add('outlet')
  await files()
  t.deepEqual(later, [key(80)])
  t.deepEqual([...told.services], [key(80)])
  t.true(house.removals.has(key(80)))
  failing.clear()
  await files()
  t.deepEqual([...told.services], [])
  t.false(house.removals.has(key(80)))
})

test('a companion and an outlet of intents that fail keep neither the switch nor the state file from the newest state', async t => {
  const { files, failing, cells, house, sw, clock } = await setUp(t)
  await files(80)
  const heard: string[] = []
  house.companions.plug({
    name: 'behind',
    ensure: async ({ altered }) => void heard.push(altered.map(a => a.port).join()),
  })
  failing.add('companion').add('intent')
  const { commits } = sw
  await files(80, 81)
  t.is(sw.commits, commits + 1)
  t.true(heard.length > 0 && heard.every(ports => ports.includes('81')))
  t.true(house.loop.failures > 0)
  t.deepEqual(
    cells.outcome.get()?.plan.services.map(one => one.key),
    [key(80), key(81)],
  )
  t.is(house.store.files.load().length, 2)
  failing.clear()
  await clock.advance(20_000)
  t.is(house.loop.failures, 0)
  t.false(house.loop.dirty)
})

test('many new services come bit by bit, and wait for each other no longer when the state file cannot be written', async t => {
  const { files, cells, failing } = await setUp(t)
  await files(80)
  failing.add('hosts')
  await files(...Array.from({ length: 500 }, (_, n) => 80 + n))
  t.is(cells.outcome.get()?.plan.services.length, 500)
})

test('a number is given back when its zone is empty, and not before every outlet has taken the removal', async t => {
  const { files, failing, table, clock, numbers } = await setUp(t)
  await files(80, 81)
  t.deepEqual(numbers(), [1, 2])
  failing.add('outlet')
  await files(80)
  await clock.advance(IDLE_SECONDS * 3000)
  t.deepEqual(numbers(), [1, 2], 'an outlet does not know yet')
  failing.clear()
  failing.add('flush')
  await clock.advance(IDLE_SECONDS * 3000)
  t.deepEqual(numbers(), [1, 2], 'its zone has connections')
  failing.clear()
  await clock.advance(IDLE_SECONDS * 3000)
  t.deepEqual(numbers(), [1])
  t.deepEqual([...table.values()], [key(80)])
})

test('a service that comes back while its number cannot be given back keeps it until its zone is empty again', async t => {
  const { files, failing, clock, numbers } = await setUp(t)
  await files(80, 81)
  await files(80)
  failing.add('release')
  await clock.advance(IDLE_SECONDS * 3000)
  t.deepEqual(numbers(), [1, 2])
  await files(80, 81)
  await files(80, 81, 82)
  await files(80, 82)
  failing.clear()
  await files(80, 82, 83)
  t.deepEqual(numbers(), [1, 2, 3, 4], 'connections of its second life are left')
  await clock.advance(IDLE_SECONDS * 3000)
  t.deepEqual(numbers(), [1, 3, 4])
})

test('a service that comes back in time has its number and its connections still', async t => {
  const { files, table, clock, numbers } = await setUp(t)
  await files(80, 81)
  await files(80)
  await clock.advance(IDLE_SECONDS * 500)
  await files(80, 81)
  await clock.advance(IDLE_SECONDS * 5000)
  t.deepEqual(numbers(), [1, 2])
  t.deepEqual([...table.values()], [key(80), key(81)])
})

test('numbers that are used up keep out new services only, until others give theirs back', async t => {
  const { files, cells, clock, house, numbers } = await setUp(t, 2)
  const inForce = () => cells.outcome.get()?.plan.services.map(service => service.key)
  await files(80, 81)
  await files(81, 82, 83)
  t.deepEqual(inForce(), [key(81)])
  t.is(house.loop.lastError, undefined)
  t.deepEqual(
    cells.outcome.get()?.plan.problems.map(({ subject }) => subject),
    [key(82), key(83)],
  )
  await clock.advance(IDLE_SECONDS * 2000)
  t.deepEqual(inForce(), [key(81), key(82)])
  t.deepEqual(numbers(), [1, 2])
  await files(83)
  await clock.advance(IDLE_SECONDS * 2000)
  t.deepEqual(inForce(), [key(83)])
})

test('numbers of services that went while no director ran are given back', async t => {
  const { files, clock, house, numbers } = await setUp(t)
  house.store.numbers.of('service', key(99))
  house.store.numbers.of('service', `${key(99)} clients`)
  house.store.numbers.save()
  await files(80)
  t.deepEqual(numbers(), [1, 2, 3])
  await clock.advance(IDLE_SECONDS * 2000)
  t.deepEqual(numbers(), [3])
})

test('marks are given back: those of a removed service with it, that of a real server that has left when its time is over', async t => {
  const { agents, files, clock, house } = await setUp(t)
  const marked = () => [...house.store.numbers.named('mark').keys()].sort()
  const realServer = (id: string, vipPort: number) =>
    reported(id, {
      service: `s${vipPort}`,
      vip: '10.10.1.1',
      vipPort,
      vm: id,
      vmUuid: id,
      ingressPort: 8000 + id.charCodeAt(0),
    })
  const host = { hostId: 'h1', hostMac: '02:00:00:00:00:21', hostIp: '172.24.1.21', version: '1' }
  const list = [realServer('a', 80), realServer('b', 80), realServer('c d', 80), realServer('e', 81)]
  agents.onRegistration({ ...host, realServers: new Map(list.map(rs => [rs.id, rs])) }, PEER)
  await files(80, 81)
  const alive = async (seconds: number) => {
    for (let left = seconds; left > 0; left--) {
      await clock.advance(1000)
      agents.onAlive('h1')
    }
  }
  const [a, b, cd, e] = [`${key(80)} h1/a`, `${key(80)} h1/b`, `${key(80)} h1/c d`, `${key(81)} h1/e`]
  t.deepEqual(marked(), [a, b, cd, e])
  agents.onDelta('h1', { upserted: [], removedIds: ['b', 'c d'] })
  await alive(IDLE_SECONDS - 2)
  t.deepEqual(marked(), [a, b, cd, e], 'connections are left')
  agents.onDelta('h1', { upserted: [realServer('b', 80)], removedIds: [] })
  await alive(IDLE_SECONDS * 2)
  t.deepEqual(marked(), [a, b, e])
  agents.onDelta('h1', { upserted: [], removedIds: ['e'] })
  await files(80)
  await alive(IDLE_SECONDS * 2)
  t.deepEqual(marked(), [a, b])
})
