import test from 'ava'
import type { CrossportError } from '../../../shared/errors.ts'
import { encodeCookie, groupId } from '../../../shared/flows/cookie.ts'
import { diff } from '../../../shared/flows/diff.ts'
import { flowContent, flowKey, groupContent, groupKey } from '../../../shared/flows/key.ts'
import type { Change, DesiredState, Flow, Group, InstalledState } from '../../../shared/flows/types.ts'
import { flowText, groupText } from '../../../shared/openflow/text.ts'
import type { Action } from '../../../shared/openflow/types.ts'
import { systemClock } from '../../../shared/run/clock.ts'
import { openSwitch, type Switch } from '../../../shared/switch/session.ts'
import { type OpenVswitch, startOpenVswitch } from '../../segment/open-vswitch.ts'
import { cleanupOf } from '../cleanup.ts'
import { memoryLog } from '../run/memory-log.ts'
import { createModelSwitch, type ModelSwitch } from './model-switch.ts'
import { createRandom, type Random } from './random.ts'

const SEED = Number(process.env.CROSSPORT_SEED ?? Math.floor(Math.random() * 2 ** 31))
const ROUNDS = 200

const GROUPS = [1, 2, 3].map(n => groupId('agent', n))
/** No port has this number, and it is not reserved (OpenFlow 1.5.1, 7.2.1): it is refused when it is parsed. */
const BAD_PORT = 0xffff_ff01

function anyActions(random: Random, groups: readonly number[]): readonly Action[] {
  if (groups.length > 0 && random.chance(0.3)) return [{ type: 'group', group: random.pick(groups) }]
  return random.pick([[], [{ type: 'output', port: 1 }], [{ type: 'output', port: 2 }]])
}

function anyFlow(random: Random, cookie: bigint, groups: readonly number[] = []): Flow {
  return {
    table: random.below(2),
    priority: random.pick([10, 20]),
    cookie,
    match: { eth_type: 0x0800, ip_proto: 6, tcp_dst: 80 + random.below(4) },
    actions: anyActions(random, groups),
  }
}

function anyGroup(random: Random, id: number): Group {
  const buckets = [1, 2].map(port => ({
    id: port,
    weight: 1 + random.below(3),
    actions: [{ type: 'output', port }] as const,
  }))
  return { id, type: 'select', selectionMethod: 'dp_hash', buckets }
}

const texts = ({ flows, groups }: InstalledState) => [
  ...flows.map(flow => `${flowKey(flow)} ${flowContent(flow)}`).sort(),
  ...groups.map(group => `${groupKey(group)} ${groupContent(group)}`).sort(),
]

/** Content for the bridge: flows of ours that lead to groups of ours. */
function anyState(random: Random, cookie: () => bigint): DesiredState {
  const groups = GROUPS.filter(() => random.chance(0.5)).map(id => anyGroup(random, id))
  const ids = groups.map(({ id }) => id)
  const flows = new Map<string, Flow>()
  for (let n = random.below(8); n > 0; n--) {
    const flow = anyFlow(random, cookie(), ids)
    flows.set(flowKey(flow), flow)
  }
  return { flows: [...flows.values()], groups }
}

/** The same with one message that every switch refuses, in one of four ways. */
function spoilt(random: Random, change: Change, cookie: bigint, there: InstalledState): Change {
  const flow = { ...anyFlow(random, cookie), priority: 30 }
  const [group] = there.groups
  switch (random.below(4)) {
    case 0:
      return {
        ...change,
        addFlows: [...change.addFlows, { ...flow, actions: [{ type: 'group', group: groupId('agent', 9) }] }],
      }
    case 1:
      return { ...change, addFlows: [{ ...flow, actions: [{ type: 'output', port: BAD_PORT }] }, ...change.addFlows] }
    case 2:
      return { ...change, modifyGroups: [...change.modifyGroups, anyGroup(random, groupId('agent', 9))] }
    default:
      return group === undefined ? change : { ...change, addGroups: [...change.addGroups, anyGroup(random, group.id)] }
  }
}

/** The result of a commit: what was refused, from the fields of the error. */
async function outcome(commit: Promise<void>): Promise<unknown> {
  return commit.then(
    () => 'made',
    (error: CrossportError) => ({ code: error.code, flow: error.fields.FLOW_KEY, group: error.fields.GROUP_ID }),
  )
}

/** Changes by somebody else, the same on both switches: with a foreign cookie or ours, strictly or not, to flows and groups. */
async function strange(
  random: Random,
  model: ModelSwitch,
  ofctl: OpenVswitch['ofctl'],
  cookie: () => bigint,
): Promise<string> {
  const tcp_dst = 80 + random.below(4)
  switch (random.below(7)) {
    case 0:
    case 1: {
      const flow = anyFlow(random, random.pick([0x77n, cookie()]), [...model.groups.keys()])
      model.strangerAdds(flow)
      await ofctl(['add-flow', flowText(flow)])
      return 'adds'
    }
    case 2:
      model.strangerDeletes(flow => flow.match.tcp_dst !== tcp_dst)
      await ofctl(['del-flows', `tcp,tp_dst=${tcp_dst}`])
      return 'deletes'
    case 3: {
      const { table, priority, match } = anyFlow(random, 0n)
      model.strangerDeletes(flow => flowKey(flow) !== flowKey({ table, priority, match }))
      await ofctl(['del-flows', '--strict', `table=${table},priority=${priority},tcp,tp_dst=${match.tcp_dst}`])
      return 'deletes strictly'
    }
    case 4: {
      const mask = random.pick([0xffff_ffff_ffff_ffffn, 0xffff_ffff_0000_0000n, 0xffff_0000_0000_0000n])
      const like = random.pick([0x77n, cookie()])
      model.strangerDeletes(flow => (flow.cookie & mask) !== (like & mask))
      await ofctl(['del-flows', `cookie=0x${like.toString(16)}/0x${mask.toString(16)}`])
      return 'deletes by cookie'
    }
    case 5: {
      const table = random.below(2)
      const which = (flow: Flow) => flow.table === table && flow.match.tcp_dst === tcp_dst
      model.strangerModifies(which, [{ type: 'output', port: 3 }])
      await ofctl(['mod-flows', `table=${table},tcp,tp_dst=${tcp_dst},actions=output:3`])
      return 'modifies'
    }
    default: {
      const [id] = [...model.groups.keys()].filter(() => random.chance(0.5))
      if (id === undefined) return 'does nothing'
      if (random.chance(0.5)) {
        model.strangerDeletesGroup(id)
        await ofctl(['del-groups', `group_id=${id}`])
        return 'deletes a group'
      }
      const group = anyGroup(random, id)
      model.strangerModifiesGroup(group)
      await ofctl(['mod-group', groupText(group)])
      return 'modifies a group'
    }
  }
}

test('the model switch and ovs-vswitchd come to the same, whatever is done to them', async t => {
  t.log(`seed ${SEED} (again: CROSSPORT_SEED=${SEED})`)
  const random = createRandom(SEED)
  const ovs = await startOpenVswitch(cleanupOf(t))
  const model = createModelSwitch('agent')
  model.refuse = flow => flow.actions.some(action => action.type === 'output' && action.port === BAD_PORT)
  const told = { model: false, real: false }
  model.onDrift = () => (told.model = true)
  /** Keys of flows that are, or once were to be, ours. */
  const own = new Set<string>()
  const real = await new Promise<Switch>(resolve => {
    const sw = openSwitch({
      bridge: ovs.bridge,
      owner: 'agent',
      rundir: ovs.rundir,
      log: memoryLog(),
      clock: systemClock,
      handlers: {
        onUp: () => queueMicrotask(() => resolve(sw)),
        onDown: () => {},
        onDrift: () => (told.real = true),
        isOurs: flow => own.has(flowKey(flow)),
      },
    })
  })
  t.teardown(() => real.close())
  const ours = () => encodeCookie('agent', random.pick(['request', 'reply']), random.below(3))
  const seen = new Map<string, number>()
  for (let round = 0; round < ROUNDS; round++) {
    Object.assign(told, { model: false, real: false })
    let what = 'commits'
    if (random.chance(0.5)) what = await strange(random, model, ovs.ofctl, ours)
    else {
      const there = await model.readInstalled()
      const change = diff(anyState(random, ours), there)
      // Only half of it: what is not named stays, unless a group that it leads to is deleted.
      const half = random.chance(0.5) ? { ...change, deleteFlows: [] } : change
      const asked = random.chance(0.3) ? spoilt(random, half, ours(), there) : half
      for (const flow of [...asked.addFlows, ...asked.replaceFlows]) own.add(flowKey(flow))
      const ends = await Promise.all([outcome(model.commit(asked)), outcome(real.commit(asked))])
      t.deepEqual(ends[1], ends[0], `round ${round}`)
      if (ends[0] !== 'made') what = 'is refused'
    }
    const installed = await model.readInstalled()
    const [m, r] = [texts(installed), texts(await real.readInstalled())]
    for (const flow of installed.flows) own.add(flowKey(flow))
    if (m.join() !== r.join()) return void t.deepEqual(r, m, `round ${round}: ${what}`)
    if (told.model !== told.real) return void t.deepEqual(told.real, told.model, `round ${round}: ${what}: told of`)
    const kind = `${what}${told.model ? ', drift' : ''}`
    seen.set(kind, (seen.get(kind) ?? 0) + 1)
  }
  t.log(
    [...seen]
      .map(([kind, n]) => `${kind} ${n}`)
      .sort()
      .join('; '),
  )
  t.true((seen.get('is refused') ?? 0) > 0)
  t.true([...seen.keys()].some(kind => kind.includes('a group')))
})
