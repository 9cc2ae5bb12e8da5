import test from 'ava'
import { encodeCookie } from '../../../shared/flows/cookie.ts'
import { diff } from '../../../shared/flows/diff.ts'
import { flowContent, flowKey } from '../../../shared/flows/key.ts'
import type { Flow } from '../../../shared/flows/types.ts'
import { flowText } from '../../../shared/openflow/text.ts'
import { systemClock } from '../../../shared/run/clock.ts'
import { openSwitch, type Switch } from '../../../shared/switch/session.ts'
import { memoryLog } from '../run/memory-log.ts'
import { startOvs } from '../switch/ovs.ts'
import { createModelSwitch } from './model-switch.ts'
import { createRandom, type Random } from './random.ts'

const SEED = Number(process.env.CROSSPORT_SEED ?? Math.floor(Math.random() * 2 ** 31))
const ROUNDS = 200

function anyFlow(random: Random, cookie: bigint): Flow {
  return {
    table: random.below(2),
    priority: random.pick([10, 20]),
    cookie,
    match: { eth_type: 0x0800, ip_proto: 6, tcp_dst: 80 + random.below(4) },
    actions: random.pick([[], [{ type: 'output', port: 1 }], [{ type: 'output', port: 2 }]]),
  }
}

const texts = (flows: readonly Flow[]) => flows.map(flow => `${flowKey(flow)} ${flowContent(flow)}`).sort()

test('the model switch and ovs-vswitchd come to the same, whatever is done to them', async t => {
  t.log(`seed ${SEED} (again: CROSSPORT_SEED=${SEED})`)
  const random = createRandom(SEED)
  const ovs = await startOvs(t)
  const model = createModelSwitch('agent')
  const real = await new Promise<Switch>(resolve => {
    const sw = openSwitch({
      bridge: ovs.bridge,
      owner: 'agent',
      rundir: ovs.rundir,
      log: memoryLog(),
      clock: systemClock,
      handlers: { onUp: () => queueMicrotask(() => resolve(sw)), onDown: () => {}, onDrift: () => {} },
    })
  })
  t.teardown(() => real.close())
  const ours = () => encodeCookie('agent', random.pick(['request', 'reply']), random.below(3))
  for (let round = 0; round < ROUNDS; round++) {
    if (random.chance(0.25)) {
      // A stranger, who knows no cookie, or takes a place of ours, or speaks with our cookie.
      const flow = anyFlow(random, random.pick([0x77n, ours()]))
      model.strangerAdds(flow)
      await ovs.ofctl('add-flow', flowText(flow))
    } else if (random.chance(0.15)) {
      const port = 80 + random.below(4)
      model.strangerDeletes(flow => flow.match.tcp_dst !== port)
      await ovs.ofctl('del-flows', `tcp,tp_dst=${port}`)
    } else {
      const wanted = new Map<string, Flow>()
      for (let n = random.below(8); n > 0; n--) {
        const flow = anyFlow(random, ours())
        wanted.set(flowKey(flow), flow)
      }
      const change = diff({ flows: [...wanted.values()], groups: [] }, await model.readInstalled())
      // Half of it only: what is not asked for stays.
      const half = random.chance(0.5) ? { ...change, deleteFlows: [] } : change
      await Promise.all([model.commit(half), real.commit(half)])
    }
    const [m, r] = await Promise.all([model.readInstalled(), real.readInstalled()])
    const [theirs, its] = [texts(m.flows), texts(r.flows)]
    if (theirs.join() !== its.join()) t.deepEqual(theirs, its, `round ${round}`)
  }
  // A bundle with one bad message changes nothing, in both.
  const before = texts((await real.readInstalled()).flows)
  const good = anyFlow(random, ours())
  const bad: Flow = { ...anyFlow(random, ours()), priority: 30, actions: [{ type: 'group', group: 0xc705_0001 }] }
  model.refuse = flow => flow === bad
  const change = {
    addGroups: [],
    modifyGroups: [],
    addFlows: [good, bad],
    replaceFlows: [],
    deleteFlows: [],
    deleteGroups: [],
  }
  for (const sw of [model, real]) {
    const error = await t.throwsAsync(sw.commit(change), { code: 'SWITCH_REJECTED' })
    t.is((error as { fields?: Record<string, unknown> }).fields?.FLOW_KEY, flowKey(bad))
    t.deepEqual(texts((await sw.readInstalled()).flows), before)
  }
})
