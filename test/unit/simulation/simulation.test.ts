import test, { type ExecutionContext } from 'ava'
import { compile } from '../../../agent/compile/compile.ts'
import { shields } from '../../../agent/compile/shields.ts'
import { indexPorts } from '../../../agent/real-servers/attach.ts'
import { resolve } from '../../../agent/real-servers/resolve.ts'
import type { RealServer } from '../../../agent/real-servers/types.ts'
import { openStore } from '../../../agent/store/store.ts'
import { encodeCookie } from '../../../shared/flows/cookie.ts'
import { flowContent, flowKey } from '../../../shared/flows/key.ts'
import type { Flow } from '../../../shared/flows/types.ts'
import { quiet } from '../../../shared/log/quiet.ts'
import type { Log } from '../../../shared/log.ts'
import { type FakeClock, fakeClock } from '../run/fake-clock.ts'
import { type SimulatedAgent, startSimulated } from './agent.ts'
import { type FailingStore, failingStore } from './failing-store.ts'
import { createModelSwitch, type ModelSwitch } from './model-switch.ts'
import { createRandom, type Random } from './random.ts'
import { createWorld, happen, type World } from './world.ts'

/*
 * Runs the agent's real pass, outlets, applier, loop and store between a model switch, model guests and a model clock. The world
 * changes at random. The watchers report it late, twice, split, in another order, or not at all. The switch loses answers,
 * refuses and forgets; others change flows; the disk is full; the agent is killed at any point. In the end the watchers have
 * reported everything, and the switch must hold what an agent that starts cold would install.
 */

const SEQUENCES = Number(process.env.CROSSPORT_SEQUENCES ?? 10_000)
const SEED = Number(process.env.CROSSPORT_SEED ?? Math.floor(Math.random() * 2 ** 31))
/**
 * Number of sequences that share a state file's history: this is cheaper, and each starts from the state that another has left.
 */
const LIVES = 10

const STRANGERS: Flow = { table: 0, priority: 7, cookie: 0x77n, match: { in_port: 3 }, actions: [] }

interface Scene {
  readonly random: Random
  readonly world: World
  readonly store: FailingStore
  readonly sw: ModelSwitch
  readonly clock: FakeClock
  readonly held: Set<string>
  readonly log: Log
  agent: SimulatedAgent
}

const texts = (flows: Iterable<Flow>) => [...flows].map(flow => `${flowKey(flow)} ${flowContent(flow)}`).sort()

function realServersOf({ world, store }: Scene): readonly RealServer[] {
  const { realServers } = resolve({
    specs: world.servicesSnapshot().specs,
    inventory: world.inventory(),
    ports: world.ports(),
    allocations: store.allocations(),
    ingressPorts: { first: 40_000, last: 40_005 },
  })
  return realServers
}

/** VIPs that running VMs lack, and VIPs that they were given and have not been asked to give back, as `VM VIP`. */
function misgiven(scene: Scene): string[] {
  const { world, store, agent } = scene
  const realServers = realServersOf(scene).filter(({ vm }) => vm.running)
  const lacking = realServers.filter(
    ({ vip, attachment: at }) => at !== undefined && !agent.guests.held.has(`${at.mac} ${vip}`),
  )
  const wanted = new Set(realServers.map(({ vm, vip }) => `${vm.uuid} ${vip}`))
  const running = new Set([...world.vms.values()].flatMap(({ uuid, state }) => (state === 'running' ? [uuid] : [])))
  const surplus = store.guestRecords
    .list()
    .filter(({ vmUuid, vip }) => running.has(vmUuid) && !wanted.has(`${vmUuid} ${vip}`))
  return [...lacking.map(({ vm, vip }) => `${vm.uuid} ${vip}`), ...surplus.map(({ vmUuid, vip }) => `${vmUuid} ${vip}`)]
}

/** What an agent with full knowledge of the world and the numbers so far would install, by the pure functions. */
function expected(scene: Scene, sw: ModelSwitch): string[] {
  const { world, store } = scene
  const snapshot = world.ports()
  const index = indexPorts(snapshot)
  const realServers = realServersOf(scene)
  const own = store.ownAddresses()
  const host = {
    hostMac: '02:00:00:00:00:20',
    directorMac: world.director?.mac,
    directors:
      world.director === undefined ? [] : [{ mac: world.director.mac, recallMac: RECALL_MAC, hostIp: undefined }],
    uplink: snapshot.ports.find(port => port.name === 'uplink0')?.ofport,
    vmPorts: [...index].flatMap(([mac, { name, ofport, tag }]) =>
      ofport !== undefined && ofport > 0 ? [{ name, mac, ofport, tag }] : [],
    ),
    overlay: undefined,
  }
  const held = shields(realServers, store.guestRecords.list(), index, (uuid, mac) => own[`${uuid}/${mac}`])
  const guarded = [...new Set([...world.services.values()].map(({ vip }) => vip))]
  const flows = [
    ...compile({ realServers, shields: held, guarded, numberOf: store.vipNumbers.of, host }).values(),
  ].flatMap(object => object.flows())
  const strangers = [...sw.flows.values()].filter(flow => flow.cookie === STRANGERS.cookie)
  return texts([...flows, ...strangers])
}

function tell({ agent, world }: Scene, source: 'services' | 'inventory' | 'ports' | 'director'): void {
  const { inputs, loop } = agent
  if (source === 'services') inputs.services.set(world.servicesSnapshot())
  else if (source === 'inventory') inputs.inventory.set(world.inventory())
  else if (source === 'ports') inputs.ports.set(world.ports())
  else {
    const { director: active } = world
    const all = new Map(active === undefined ? [] : [['d1', { ...active, recallMac: RECALL_MAC }]])
    inputs.directors.set({ active, all })
  }
  // Also reports what has not changed.
  loop.mark(source)
}

const RECALL_MAC = '0a:00:00:00:01:00'

/** Outlets start before, within or after the first passes. */
const delays = (random: Random) => ({
  outletsAfter: random.pick([0, 2, 4, 6, 10, 20, 40, 100]),
  switchTakes: () => random.pick([0, 0, 0, 1, 20]),
})

const SOURCES = ['services', 'inventory', 'ports', 'director'] as const

async function fault(scene: Scene): Promise<void> {
  const { random, agent, sw, clock, store } = scene
  switch (random.below(10)) {
    case 0:
      sw.loseNextAnswer()
      return
    case 1:
      sw.failNext()
      return
    case 2:
      agent.switchDown()
      if (random.chance(0.5)) sw.strangerDeletes(flow => flow.cookie === STRANGERS.cookie)
      await clock.advance(random.below(50))
      agent.switchUp()
      return
    case 3:
      sw.strangerDeletes(() => random.chance(0.5))
      return
    case 4: {
      const [victim] = [...sw.flows.values()].filter(() => random.chance(0.2))
      if (victim !== undefined) sw.strangerAdds({ ...victim, actions: [{ type: 'output', port: 99 }] })
      sw.strangerAdds({ ...STRANGERS, cookie: encodeCookie('agent', 'request', 999), priority: 9 })
      return
    }
    case 5: {
      const port = random.pick([8080, 8081])
      sw.refuse = flow => flow.match.tcp_src === port
      return
    }
    case 6:
      sw.refuse = () => false
      return
    case 7:
      agent.inputs.inventory.set({ ...agent.inputs.inventory.get(), synced: false, reason: 'libvirtd is away' })
      return
    case 8:
      store.fail(1 + random.below(3))
      return
    default:
      agent.kill()
      scene.agent = startSimulated({ ...scene, ...delays(random) })
      if (random.chance(0.9)) scene.agent.switchUp()
      for (const source of SOURCES) if (random.chance(0.6)) tell(scene, source)
  }
}

/** Reports everything; nothing fails any more, and guests carry out their commands. */
async function settle(scene: Scene): Promise<void> {
  const { sw, clock, store } = scene
  sw.refuse = () => false
  store.fail(0)
  const { agent } = scene
  if (agent.inputs.switch.get().session === undefined) agent.switchUp()
  // Refused objects are tried again when they change, when the switch comes back, and in the next full comparison.
  if (agent.applier.quarantined.length > 0) agent.applier.distrust({ retryRefused: true })
  for (const source of SOURCES) tell(scene, source)
  for (let rounds = 0; rounds < 20; rounds++) {
    await clock.advance(30_000)
    if (!scene.agent.guests.settle(() => 0)) break
  }
}

async function sequence(t: ExecutionContext, scene: Scene, name: string): Promise<void> {
  const { random, world, sw, clock } = scene
  const steps = 4 + random.below(12)
  for (let step = 0; step < steps; step++) {
    const source = happen(world, random, step)
    const how = random.below(6)
    // Reported once, twice, as something else, or not at all.
    if (how < 3) tell(scene, source)
    if (how === 2) tell(scene, source)
    if (how === 3) tell(scene, random.pick(SOURCES))
    if (random.chance(0.35)) await fault(scene)
    if (random.chance(0.3)) scene.agent.guests.settle(n => random.below(n))
    if (random.chance(0.6)) await clock.advance(random.pick([0, 1, 2, 3, 100]))
  }
  await settle(scene)
  const wanted = expected(scene, sw)
  const found = texts(sw.flows.values())
  if (found.join('\n') !== wanted.join('\n')) {
    t.log(`${name}: ${scene.agent.loop.lastError?.message ?? ''} ${scene.agent.loop.waitingFor ?? ''}`)
    t.deepEqual(found, wanted, name)
  }
  if (scene.agent.loop.dirty || scene.agent.applier.quarantined.length > 0)
    t.fail(
      `${name}: it has not come to rest: ${scene.agent.loop.lastError?.stack} ${JSON.stringify(scene.agent.applier.quarantined)}`,
    )
  t.deepEqual(misgiven(scene), [], `${name}: VIPs that running VMs lack, or hold without need`)
  const { commits } = sw
  await clock.advance(60_000)
  if (sw.commits !== commits) t.fail(`${name}: it goes on changing what is as it should be`)
}

/** An agent without any history but the numbers, on a bridge without flows. */
async function coldStart(t: ExecutionContext, scene: Scene, name: string): Promise<void> {
  const store = failingStore({ ...openStore(':memory:'), vipNumbers: scene.store.vipNumbers })
  store.setAllocations(scene.store.allocations())
  store.setOwnAddresses(scene.store.ownAddresses())
  for (const record of scene.store.guestRecords.list()) store.guestRecords.put(record)
  const sw = createModelSwitch('agent')
  const cold: Scene = { ...scene, store, sw, clock: fakeClock() }
  cold.agent = startSimulated(cold)
  await settle(cold)
  const ours = (flows: Iterable<Flow>) => texts([...flows].filter(flow => flow.cookie !== STRANGERS.cookie))
  const [warm, fresh] = [ours(scene.sw.flows.values()), ours(sw.flows.values())]
  if (warm.join('\n') !== fresh.join('\n')) t.deepEqual(warm, fresh, `${name}, against a cold start`)
  cold.agent.kill()
  store.close()
}

test(`${SEQUENCES} random sequences of events end in the state of a cold start`, async t => {
  t.timeout(300_000)
  t.log(`seed ${SEED} (again: CROSSPORT_SEED=${SEED})`)
  for (let life = 0; life * LIVES < SEQUENCES; life++) {
    const seed = SEED + life
    const random = createRandom(seed)
    const store = failingStore(openStore(':memory:'))
    const sw = createModelSwitch('agent')
    sw.strangerAdds(STRANGERS)
    const partial = { random, world: createWorld(), store, sw, clock: fakeClock(), held: new Set<string>(), log: quiet }
    const scene: Scene = { ...partial, agent: startSimulated({ ...partial, ...delays(random) }) }
    // An agent without a connection gets no events; it reads everything when it is connected again.
    sw.onDrift = () => {
      if (scene.agent.inputs.switch.get().session !== undefined) scene.agent.drift()
    }
    for (let n = 0; n < LIVES; n++) {
      const name = `CROSSPORT_SEED=${seed} CROSSPORT_SEQUENCES=${LIVES}, sequence ${n}`
      await sequence(t, scene, name)
      if (n === LIVES - 1) await coldStart(t, scene, name)
    }
    scene.agent.kill()
    store.close()
  }
  t.pass()
})
