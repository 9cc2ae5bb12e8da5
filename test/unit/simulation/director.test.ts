import test, { type ExecutionContext } from 'ava'
import { compile } from '../../../director/compile/compile.ts'
import type { Site } from '../../../director/compile/types.ts'
import { setSite } from '../../../director/parts/bridge.ts'
import { controlOf } from '../../../director/parts/control-socket.ts'
import { makePlan, markName, ownerOfNumber, unjudged } from '../../../director/plan/plan.ts'
import type { Claimants } from '../../../director/registry/services.ts'
import { openStore, type Store } from '../../../director/store/store.ts'
import { encodeCookie } from '../../../shared/flows/cookie.ts'
import type { Flow } from '../../../shared/flows/types.ts'
import { BESIDE } from '../registry/fixture.ts'
import { type FakeClock, fakeClock } from '../run/fake-clock.ts'
import { LEASE, type SimulatedDirector, type Surroundings, startDirector } from './director.ts'
import { accountsOf, flowTexts, STRANGERS, stateOf } from './director-state.ts'
import { createFleetWorld, type FleetWorld, HOSTS, happen, type WorldHost } from './director-world.ts'
import { createModelSwitch, type ModelSwitch } from './model-switch.ts'
import { createRandom, type Random } from './random.ts'

/*
 * Runs the director's real house, pass, applier, loop and store between a model switch, model agents and a model clock. Files are
 * edited; hosts register, change and fall silent. The director learns it late, twice, or not at all. The switch loses answers,
 * refuses and forgets; the state file cannot be written; others change flows; the director is killed at any point. In the end
 * everything is reported, and the switch, the offer and the accounts must equal those of a director that starts cold.
 */

const SEQUENCES = Number(process.env.CROSSPORT_SEQUENCES ?? 2000)
const SEED = Number(process.env.CROSSPORT_SEED ?? Math.floor(Math.random() * 2 ** 31))
/** Number of sequences that share a state file's history. */
const LIVES = 10
/** Few enough that numbers are used up and given back again and again. */
const RANGES = { mark: { first: 1, last: 30 }, service: { first: 1, last: 20 } }

interface Scene extends Surroundings {
  readonly random: Random
  readonly world: FleetWorld
  readonly store: Store
  readonly sw: ModelSwitch
  readonly clock: FakeClock
  /** Suspends the process for so many milliseconds: no timer runs meanwhile. */
  holdUp(ms: number): void
  site: Site
  director: SimulatedDirector
}

const siteOf = (n: number): Site => ({
  directorMac: `02:00:00:00:01:0${n}`,
  recallMac: `0a:00:00:00:01:0${n}`,
  uplink: 1,
  ownMacs: ['02:00:00:00:00:21'],
  accessPorts: [],
  fabric: 'l2',
  accounting: true,
})

const isUp = ({ director }: Scene) => director.house.cells.inputStates.switch.get().state === 'in sync'

function tellFiles({ director, world }: Scene): void {
  const { cells } = director.house
  cells.services.set(world.snapshot())
}

/** Sends as an agent does: everything once, then changes. */
function tellHost({ director: { agents }, world }: Scene, id: string, host: WorldHost): void {
  const report = world.report(id)
  const { told } = host
  host.told = report.realServers
  host.connected = true
  if (told === undefined) {
    agents.onRegistration(report, BESIDE)
    return
  }
  const upserted = [...report.realServers].flatMap(([name, rs]) => (told.get(name) === rs ? [] : rs))
  const removedIds = [...told.keys()].filter(name => !report.realServers.has(name))
  agents.onDelta(id, { upserted, removedIds })
  agents.onAlive(id)
}

/** Lets time pass; connected agents send heartbeats. */
async function advance({ clock, world, director }: Scene, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= LEASE / 2) {
    await clock.advance(Math.min(left, LEASE / 2))
    for (const [id, { connected, told }] of world.hosts)
      if (connected && told !== undefined) director.agents.onAlive(id)
  }
  await clock.advance(0)
}

function restart(scene: Scene): void {
  scene.director.kill()
  for (const host of scene.world.hosts.values()) disconnect(host)
  scene.director = startDirector(scene)
  setSite(scene.director.house, scene.site)
}

function suspendable(time: FakeClock): Pick<Scene, 'clock' | 'holdUp'> {
  let suspended = 0
  return {
    clock: { ...time, now: () => time.now() + suspended },
    holdUp: ms => {
      suspended += ms
    },
  }
}

function disconnect(host: WorldHost): void {
  host.connected = false
  host.told = undefined
}

const FAILURES = ['hosts', 'files', 'numbers', 'vips', 'release', 'companion', 'intent', 'outlet', 'flush'] as const

async function fault(scene: Scene): Promise<void> {
  const { random, sw, director, world, failing } = scene
  switch (random.below(14)) {
    case 0:
      return sw.loseNextAnswer()
    case 1:
    case 2:
      return sw.failNext()
    case 3:
      director.handlers.onDown('the model')
      if (random.chance(0.5)) sw.strangerDeletes(flow => flow.cookie === STRANGERS.cookie)
      await advance(scene, random.below(50))
      return director.handlers.onUp()
    case 4:
      return sw.strangerDeletes(() => random.chance(0.5))
    case 5: {
      const [victim] = [...sw.flows.values()].filter(() => random.chance(0.2))
      if (victim !== undefined) sw.strangerAdds({ ...victim, actions: [{ type: 'output', port: 99 }] })
      return sw.strangerAdds({ ...STRANGERS, cookie: encodeCookie('director', 'forward', 999), priority: 9 })
    }
    case 6: {
      const port = random.pick([8080, 8081])
      const sets = ({ actions }: Flow) => JSON.stringify(actions, (_, v) => (typeof v === 'bigint' ? `${v}` : v))
      sw.refuse = flow => sets(flow).includes(`"value":${port}`)
      return
    }
    case 7:
    case 8:
      failing.add(random.pick(FAILURES))
      return
    case 9:
      failing.clear()
      return
    case 10:
      return disconnect(world.hosts.get(random.pick(HOSTS))!)
    case 11:
      scene.site = siteOf(random.below(3))
      return setSite(director.house, scene.site)
    case 12:
      return freeze(scene)
    default:
      restart(scene)
      if (random.chance(0.9)) scene.director.handlers.onUp()
      if (random.chance(0.8)) tellFiles(scene)
  }
}

/** The process is suspended, with or without a pass that waits. Then any host may be heard first; none is lost that is connected. */
async function freeze(scene: Scene): Promise<void> {
  const { random, director, world } = scene
  const { cells, loop } = director.house
  const alive = () =>
    [...cells.registry.get().hosts.values()].flatMap(host => (host.state === 'alive' ? host.hostId : []))
  const before = alive().filter(id => world.hosts.get(id)!.connected)
  if (random.chance(0.5)) loop.mark('a change')
  scene.holdUp(2 * LEASE)
  const id = random.pick(HOSTS)
  if (random.chance(0.5)) tellHost(scene, id, world.hosts.get(id)!)
  await scene.clock.advance(100)
  const lost = new Set(before).difference(new Set(alive()))
  if (lost.size > 0) throw new Error(`${[...lost]} is lost, because the director was suspended`)
}

/** Reports everything, and nothing fails any more. Hosts that are unknown by now stay silent. */
async function settle(scene: Scene): Promise<void> {
  const { sw, failing, world } = scene
  sw.refuse = () => false
  failing.clear()
  const { house, handlers } = scene.director
  if (!isUp(scene)) handlers.onUp()
  tellFiles(scene)
  for (const [id, host] of world.hosts) if (host.connected) tellHost(scene, id, host)
  await advance(scene, 15_000)
  // Refused objects are tried again when they change, and at an operator's request.
  if (house.applier.quarantined.length > 0 || house.cells.tornDown.get())
    void controlOf(house)
      .resync()
      .catch(() => {})
  await advance(scene, 15_000)
  // A timer may have just fired.
  for (let tries = 0; tries < 3 && house.loop.dirty; tries++) await advance(scene, 20)
}

function same(t: ExecutionContext, found: unknown, wanted: unknown, name: string): void {
  if (JSON.stringify(found) !== JSON.stringify(wanted)) t.deepEqual(found, wanted, name)
}

async function sequence(t: ExecutionContext, scene: Scene, name: string): Promise<void> {
  const { random, world, sw, store } = scene
  const steps = 4 + random.below(12)
  for (let step = 0; step < steps; step++) {
    const who = happen(world, random)
    // Reported, or not reported at all.
    if (random.chance(0.6)) {
      if (who === 'files') tellFiles(scene)
      else for (const [id, host] of world.hosts) if (host === who) tellHost(scene, id, host)
    }
    if (random.chance(0.35)) await fault(scene)
    if (random.chance(0.03)) {
      const operator = new AbortController()
      void controlOf(scene.director.house)
        .teardown(() => {}, operator.signal)
        .catch(() => {})
      if (random.chance(0.5)) scene.clock.after(random.below(5000), () => operator.abort())
    }
    if (random.chance(0.6)) await advance(scene, random.pick([1, 3, 6, 100, LEASE / 2, LEASE * 2]))
  }
  await settle(scene)
  const { house, told } = scene.director
  const { cells, loop, applier } = house
  if (loop.dirty || applier.quarantined.length > 0) {
    const why = [loop.lastError?.stack, loop.waitingFor, JSON.stringify(applier.quarantined)].join(' ')
    t.fail(`${name}: it has not come to rest: ${why}`)
  }
  // Of two services of hosts only that cannot both be, either may have come first.
  const inForce = new Set(cells.outcome.get()?.plan.services.map(({ service, key }) => `${service} ${key}`))
  const hostServices = {
    authority: () => undefined,
    wasInForce: ({ service, key }: Claimants) => inForce.has(`${service} ${key}`),
  }
  const { specs } = cells.services.get()
  const plan = makePlan(specs, cells.registry.get(), store.numbers, () => ({ now: 0 }), unjudged, hostServices)
  const keys = plan.services.map(({ key }) => key).sort()
  const ours = [...compile(scene.site, plan.compiled, store.vipNumbers.of).values()].flatMap(({ flows }) => flows())
  const strangers = [...sw.flows.values()].filter(flow => flow.cookie === STRANGERS.cookie)
  same(t, flowTexts(sw.flows.values()), flowTexts([...ours, ...strangers]), name)
  same(t, [...told.services].sort(), keys, `${name}: services that an outlet knows`)
  same(t, [...told.zones].sort(), plan.compiled.map(({ zone }) => zone).sort(), `${name}: zones that a companion knows`)
  same(t, accountsOf(house), keys, `${name}: services with accounts`)
  for (const [id, { connected }] of world.hosts) {
    const host = cells.registry.get().hosts.get(id)
    if (connected && host?.state !== 'alive') t.fail(`${name}: ${id} is there, and is ${host?.state}`)
  }
  const { commits } = sw
  await advance(scene, 60_000)
  if (sw.commits !== commits) t.fail(`${name}: it goes on changing what is as it should be`)
  const named = new Set([...store.numbers.named('service').keys()].map(ownerOfNumber))
  same(t, [...named].sort(), keys, `${name}: services with numbers`)
  const present = plan.services.flatMap(({ key, realServers }) => realServers.map(({ id }) => markName(key, id)))
  const nobodys = new Set(store.numbers.named('mark').keys()).difference(new Set(present))
  same(t, [...nobodys], [], `${name}: marks of real servers that are gone`)
}

/** A director without any history but the numbers, and which services of hosts were in force, on a bridge without flows; hosts register in their order of arrival. */
async function coldStart(t: ExecutionContext, warm: Scene, name: string): Promise<void> {
  const store = {
    ...openStore(':memory:'),
    numbers: warm.store.numbers,
    vipNumbers: warm.store.vipNumbers,
    hostServices: warm.store.hostServices,
  }
  const sw = createModelSwitch('director')
  const clock = fakeClock()
  const partial = { ...warm, store, sw, clock, failing: new Set<never>(), table: new Map(warm.table), marks: new Map() }
  const scene: Scene = { ...partial, director: startDirector(partial) }
  const { director } = scene
  setSite(director.house, warm.site)
  director.handlers.onUp()
  tellFiles(scene)
  const hosts = [...warm.director.house.cells.registry.get().hosts.values()].sort((a, b) => a.seq - b.seq)
  for (const host of hosts) director.agents.onRegistration(host, BESIDE)
  await advance(scene, 30_000)
  same(t, stateOf(warm), stateOf(scene), `${name}, against a cold start`)
  director.kill()
  store.close()
}

test(`director: ${SEQUENCES} random sequences of events end in the state of a cold start`, async t => {
  t.timeout(300_000)
  t.log(`seed ${SEED} (again: CROSSPORT_SEED=${SEED})`)
  for (let life = 0; life * LIVES < SEQUENCES; life++) {
    const seed = SEED + life
    const store = openStore(':memory:', RANGES)
    const sw = createModelSwitch('director')
    sw.strangerAdds(STRANGERS)
    const partial = {
      random: createRandom(seed),
      world: createFleetWorld(),
      store,
      sw,
      ...suspendable(fakeClock()),
      site: siteOf(0),
      failing: new Set<(typeof FAILURES)[number]>(),
      table: new Map<number, string>(),
      marks: new Map(),
    }
    const scene: Scene = { ...partial, director: startDirector(partial) }
    setSite(scene.director.house, scene.site)
    // A director without a connection gets no events; it reads everything when it is connected again.
    sw.onDrift = () => {
      if (isUp(scene)) scene.director.handlers.onDrift('a flow')
    }
    for (let n = 0; n < LIVES; n++) {
      const name = `CROSSPORT_SEED=${seed} CROSSPORT_SEQUENCES=${LIVES}, sequence ${n}`
      await sequence(t, scene, name)
      if (n === LIVES - 1) await coldStart(t, scene, name)
    }
    scene.director.kill()
    store.close()
  }
  t.pass()
})
