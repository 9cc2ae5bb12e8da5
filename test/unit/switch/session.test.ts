import test, { type ExecutionContext } from 'ava'
import { CrossportError } from '../../../shared/errors.ts'
import { encodeCookie, groupId } from '../../../shared/flows/cookie.ts'
import { changeSize, diff, NO_CHANGE } from '../../../shared/flows/diff.ts'
import { flowKey } from '../../../shared/flows/key.ts'
import type { Change, DesiredState, Flow, Group } from '../../../shared/flows/types.ts'
import { PORT } from '../../../shared/openflow/types.ts'
import { systemClock } from '../../../shared/run/clock.ts'
import { openSwitch, type PacketIn, type Switch } from '../../../shared/switch/session.ts'
import { DATAPATH } from '../../lab/datapath.ts'
import { type OpenVswitch, startOpenVswitch } from '../../segment/open-vswitch.ts'
import { cleanupOf } from '../cleanup.ts'
import { memoryLog } from '../run/memory-log.ts'

/** A session, and its events as promises. */
function open(t: ExecutionContext, ovs: OpenVswitch, owner: 'agent' | 'director' = 'agent', packets = false) {
  t.timeout(30_000)
  const events: string[] = []
  const packetsIn: PacketIn[] = []
  let waiters: { prefix: string; resolve: (event: string) => void }[] = []
  const note = (event: string) => {
    events.push(event)
    for (const w of waiters) if (event.startsWith(w.prefix)) w.resolve(event)
    waiters = waiters.filter(w => !event.startsWith(w.prefix))
  }
  const sw = openSwitch({
    bridge: ovs.bridge,
    owner,
    rundir: ovs.rundir,
    log: memoryLog(),
    clock: systemClock,
    reconnect: { minBackoff: 100, maxBackoff: 200 },
    handlers: {
      isOurs: one => owner === 'agent' && flowKey(one) === flowKey(flow(1)),
      onUp: () => note('up'),
      onDown: reason => note(`down: ${reason}`),
      onDrift: what => note(`drift: ${what}`),
      ...(packets
        ? {
            onPacketIn: (packet: PacketIn) => {
              packetsIn.push(packet)
              note('packet')
            },
          }
        : {}),
    },
  })
  t.teardown(() => sw.close())
  return {
    sw,
    events,
    packetsIn,
    /** The next event from now on with this beginning. */
    next: (prefix: string) => new Promise<string>(resolve => waiters.push({ prefix, resolve })),
  }
}

async function up(t: ExecutionContext, ovs: OpenVswitch, owner: 'agent' | 'director' = 'agent', packets = false) {
  const opened = open(t, ovs, owner, packets)
  await opened.next('up')
  return opened
}

const flow = (n: number, port: number = PORT.LOCAL): Flow => ({
  table: 0,
  priority: 100,
  cookie: encodeCookie('agent', 'request', n),
  match: { eth_type: 0x800, ip_proto: 6, ipv4_dst: `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`, tcp_dst: 80 },
  actions: [
    { type: 'set_field', field: 'tcp_dst', value: 8080 },
    { type: 'output', port },
  ],
})

const group = (n: number, weight = 1): Group => ({
  id: groupId('agent', n),
  type: 'select',
  selectionMethod: 'dp_hash',
  buckets: [
    { id: 1, weight, actions: [{ type: 'output', port: PORT.LOCAL }] },
    { id: 2, weight: 1, actions: [{ type: 'output', port: PORT.IN_PORT }] },
  ],
})

const adds = (...flows: Flow[]): Change => ({ ...NO_CHANGE, addFlows: flows })

async function bring(sw: Switch, desired: DesiredState): Promise<Change> {
  const change = diff(desired, await sw.readInstalled())
  await sw.commit(change)
  return change
}

const lines = (text: string) =>
  text
    .split('\n')
    .slice(1)
    .filter(line => line.trim() !== '')

test('brings the switch to the desired state, and finds no difference after that', async t => {
  const ovs = await startOpenVswitch(cleanupOf(t))
  const { sw } = await up(t, ovs)
  const toGroup: Flow = { ...flow(3), actions: [{ type: 'group', group: group(1).id }] }
  const first: DesiredState = { flows: [flow(1), flow(2), toGroup], groups: [group(1)] }
  await bring(sw, first)
  t.is(changeSize(diff(first, await sw.readInstalled())), 0)

  const second: DesiredState = { flows: [flow(2, PORT.IN_PORT), { ...toGroup, actions: [] }], groups: [group(2, 5)] }
  const change = await bring(sw, second)
  t.deepEqual([change.replaceFlows.length, change.deleteFlows.length, change.deleteGroups.length], [2, 1, 1])
  t.is(changeSize(diff(second, await sw.readInstalled())), 0)
  t.is(lines(await ovs.ofctl(['dump-flows'])).length, 2)

  const third: DesiredState = { flows: second.flows, groups: [group(2, 7)] }
  t.is((await bring(sw, third)).modifyGroups.length, 1)
  t.regex(await ovs.ofctl(['dump-groups']), /weight:7/)
  await bring(sw, { flows: [], groups: [] })
  t.deepEqual([lines(await ovs.ofctl(['dump-flows'])), lines(await ovs.ofctl(['dump-groups']))], [[], []])
})

test('ten thousand flows in one bundle, read back the same', async t => {
  const ovs = await startOpenVswitch(cleanupOf(t))
  const { sw, events } = await up(t, ovs)
  const desired = { flows: Array.from({ length: 10_000 }, (_, n) => flow(n)), groups: [] }
  await sw.commit(adds(...desired.flows))
  t.is(changeSize(diff(desired, await sw.readInstalled())), 0)
  t.deepEqual(events, ['up'])
})

test('a flow that is refused as it is parsed leaves nothing behind', async t => {
  const ovs = await startOpenVswitch(cleanupOf(t))
  const { sw } = await up(t, ovs)
  // A TCP port without its prerequisites is refused when the message is added; a commit afterwards would succeed.
  const bad: Flow = { ...flow(2), match: { tcp_dst: 80 } }
  const error = await t.throwsAsync(sw.commit(adds(flow(1), bad, flow(3))), { instanceOf: CrossportError })
  t.is(error?.code, 'SWITCH_REJECTED')
  t.regex(String(error?.fields.FLOW), /cookie=0xc705100100000002.*set_field:8080->tcp_dst/)
  t.is(error?.fields.OF_ERROR, 'OFPBMC_BAD_PREREQ')
  t.deepEqual(lines(await ovs.ofctl(['dump-flows'])), [])
  await sw.commit(adds(flow(1)))
  t.is(lines(await ovs.ofctl(['dump-flows'])).length, 1)
})

test('a flow that is refused at the commit rolls all of it back', async t => {
  const ovs = await startOpenVswitch(cleanupOf(t))
  const { sw } = await up(t, ovs)
  const bad: Flow = { ...flow(2), actions: [{ type: 'group', group: groupId('agent', 9) }] }
  const error = await t.throwsAsync(sw.commit(adds(flow(1), bad, flow(3))), { instanceOf: CrossportError })
  t.is(error?.code, 'SWITCH_REJECTED')
  t.regex(String(error?.fields.FLOW), /10\.0\.0\.2/)
  t.deepEqual(lines(await ovs.ofctl(['dump-flows'])), [])
})

test("strangers' flows and groups, and the other owner's, are neither read nor touched", async t => {
  const ovs = await startOpenVswitch(cleanupOf(t))
  await ovs.ofctl(['add-flow', 'table=0,priority=7,actions=NORMAL'])
  await ovs.ofctl(['add-flow', 'cookie=0xc705,table=3,priority=8,actions=drop'])
  await ovs.ofctl(['add-group', 'group_id=5,type=all,bucket=actions=LOCAL'])
  const agent = await up(t, ovs)
  const director = await up(t, ovs, 'director')
  const his: Flow = { ...flow(50), cookie: encodeCookie('director', 'dispatch', 1) }
  await director.sw.commit({ ...adds(his), addGroups: [{ ...group(1), id: groupId('director', 1) }] })
  await bring(agent.sw, { flows: [flow(1)], groups: [group(1)] })
  t.is((await agent.sw.readInstalled()).flows.length, 1)
  t.is((await director.sw.readInstalled()).groups.length, 1)
  await bring(agent.sw, { flows: [], groups: [] })
  t.is(lines(await ovs.ofctl(['dump-flows'])).length, 3)
  t.is(lines(await ovs.ofctl(['dump-groups'])).length, 2)
  t.deepEqual([agent.events, director.events], [['up'], ['up']])
})

test('what is not ours is not sent', async t => {
  const ovs = await startOpenVswitch(cleanupOf(t))
  const { sw } = await up(t, ovs)
  for (const change of [
    adds({ ...flow(1), cookie: 1n }),
    adds({ ...flow(1), cookie: encodeCookie('director', 'forward', 1) }),
    { ...NO_CHANGE, addGroups: [{ ...group(1), id: 5 }] },
    { ...NO_CHANGE, deleteGroups: [groupId('director', 1)] },
    { ...NO_CHANGE, deleteFlows: [{ ...flow(1), cookie: 1n }] },
  ]) {
    const error = await t.throwsAsync(sw.commit(change), { instanceOf: CrossportError })
    t.is(error?.code, 'FLOW_NOT_OURS')
  }
})

test("a stranger's flow that took the place of ours is not deleted as ours", async t => {
  const ovs = await startOpenVswitch(cleanupOf(t))
  const { sw, next } = await up(t, ovs)
  await sw.commit(adds(flow(1)))
  const drift = next('drift')
  await ovs.ofctl(['add-flow', 'cookie=0x1,priority=100,tcp,nw_dst=10.0.0.1,tp_dst=80,actions=drop'])
  await drift
  await sw.commit({ ...NO_CHANGE, deleteFlows: [flow(1)] })
  t.regex(await ovs.ofctl(['dump-flows']), /cookie=0x1,/)
})

test('drift: flows of ours that a stranger deletes, changes or adds are told of; his own and ours are not', async t => {
  const ovs = await startOpenVswitch(cleanupOf(t))
  const { sw, events, next } = await up(t, ovs)
  await bring(sw, { flows: [flow(1), flow(2)], groups: [] })
  await ovs.ofctl(['add-flow', 'cookie=0x1,priority=3,actions=NORMAL'])
  await ovs.ofctl(['del-flows', 'cookie=0x1/-1'])
  t.deepEqual(events, ['up'])

  for (const [command, ...args] of [
    ['del-flows', '--strict', 'priority=100,tcp,nw_dst=10.0.0.1,tp_dst=80'],
    ['mod-flows', 'tcp,nw_dst=10.0.0.2,tp_dst=80,actions=drop'],
    ['add-flow', 'cookie=0xc705100100000001,priority=5,actions=drop'],
    ['del-flows'],
  ] as const) {
    const drift = next('drift')
    await ovs.ofctl([command, ...args])
    t.regex(await drift, /flow/, `${command} ${args}`)
  }
  t.deepEqual((await sw.readInstalled()).flows, [])
})

test('drift: a group of ours that a stranger changes', async t => {
  const ovs = await startOpenVswitch(cleanupOf(t))
  const { sw, events, next } = await up(t, ovs)
  await bring(sw, { flows: [], groups: [group(1)] })
  await ovs.ofctl(['add-group', 'group_id=5,type=all,bucket=actions=LOCAL'])
  await ovs.ofctl(['dump-flows'])
  t.deepEqual(events, ['up'])
  const drift = next('drift')
  await ovs.ofctl(['mod-group', `group_id=${group(1).id},type=select,bucket=actions=LOCAL`])
  t.regex(await drift, /group/)
})

test('connects again after vswitchd was killed, and puts its flows back', async t => {
  const ovs = await startOpenVswitch(cleanupOf(t))
  const { sw, next, events } = await up(t, ovs)
  await bring(sw, { flows: [flow(1)], groups: [group(1)] })
  const down = next('down')
  await ovs.stopVswitchd()
  await down
  t.is(sw.state, 'down')
  const refused = await t.throwsAsync(sw.readInstalled(), { instanceOf: CrossportError })
  t.is(refused?.code, 'SWITCH_DOWN')
  const again = next('up')
  await ovs.startVswitchd()
  await again
  t.is(sw.state, 'up')
  const change = await bring(sw, { flows: [flow(1)], groups: [group(1)] })
  t.is(changeSize(change), 2)
  t.is(lines(await ovs.ofctl(['dump-flows'])).length, 1)
  t.is(events.filter(event => event === 'up').length, 2)
})

test('waits for a bridge that is not there yet', async t => {
  const ovs = await startOpenVswitch(cleanupOf(t))
  const { sw, next } = open(t, { ...ovs, bridge: 'br1' })
  t.is(sw.state, 'connecting')
  const wait = next('up')
  await ovs.vsctl('add-br', 'br1', '--', 'set', 'bridge', 'br1', `datapath_type=${DATAPATH}`, 'protocols=OpenFlow15')
  await wait
  t.is((await sw.readPorts())[0]?.name, 'br1')
})

test('ports, packets out and in, counters of buckets and flows', async t => {
  const ovs = await startOpenVswitch(cleanupOf(t))
  const { sw, next, packetsIn } = await up(t, ovs, 'agent', true)
  const [local] = await sw.readPorts()
  t.is(local?.number, PORT.LOCAL)
  t.is(local?.mac, JSON.parse(await ovs.vsctl('get', 'interface', ovs.bridge, 'mac_in_use')))

  const one: Group = {
    ...group(1),
    buckets: [{ id: 7, weight: 1, actions: [{ type: 'output', port: PORT.CONTROLLER }] }],
  }
  const toGroup: Flow = { ...flow(1), match: { in_port: PORT.LOCAL }, actions: [{ type: 'group', group: one.id }] }
  await bring(sw, { flows: [toGroup, flow(2)], groups: [one] })
  const frame = Buffer.from(`ffffffffffff0200000000010806${'00'.repeat(46)}`, 'hex')
  const packet = next('packet')
  await sw.packetOut({ inPort: PORT.LOCAL, actions: [{ type: 'output', port: PORT.TABLE }], data: frame })
  await packet
  t.is(packetsIn[0]?.inPort, PORT.LOCAL)
  t.is(packetsIn[0]?.cookie, toGroup.cookie)
  t.deepEqual(Buffer.from(packetsIn[0]!.data), frame)
  const refused = await t.throwsAsync(sw.packetOut({ actions: [{ type: 'group', group: 0xffffff42 }], data: frame }), {
    instanceOf: CrossportError,
  })
  t.is(refused?.code, 'SWITCH_REJECTED')
  const stats = await sw.readGroupStats()
  t.is(stats[0]?.id, one.id)
  t.is(stats[0]?.buckets.length, 1)

  const counts = async (object: number) => {
    const flows = await sw.readFlowStats({ table: 0, kind: 'request', object })
    return flows.map(({ cookie, packets, match }) => ({ cookie, packets, match }))
  }
  t.deepEqual(await counts(1), [{ cookie: toGroup.cookie, packets: 1, match: toGroup.match }])
  t.deepEqual(await counts(2), [{ cookie: flow(2).cookie, packets: 0, match: flow(2).match }])
  t.is((await sw.readFlowStats({ table: 0, kind: 'request' })).length, 2)
  t.is(await sw.readPackets({ table: 0, kind: 'request' }), 1)
  t.is(await sw.readPackets({ table: 0, kind: 'request', object: 2 }), 0)
})

test('a meter is made, gets another rate, and takes its flows along', async t => {
  const ovs = await startOpenVswitch(cleanupOf(t))
  const { sw } = await up(t, ovs)
  const id = 50_949
  const metered: Flow = {
    ...flow(1),
    actions: [
      { type: 'meter', meter: id },
      { type: 'output', port: PORT.LOCAL },
    ],
  }
  const none = await t.throwsAsync(bring(sw, { flows: [metered], groups: [] }), { instanceOf: CrossportError })
  t.is(none?.fields.OF_ERROR, 'OFPMMFC_INVALID_METER')
  await sw.setMeter({ id, rate: 1000, burst: 100 })
  await sw.setMeter({ id, rate: 2000, burst: 300 })
  t.regex(await ovs.ofctl(['dump-meters']), /meter=50949 pktps burst.*type=drop rate=2000 burst_size=300/s)
  await bring(sw, { flows: [metered], groups: [] })
  t.is(lines(await ovs.ofctl(['dump-flows'])).length, 1)
  await sw.deleteMeter(id)
  await sw.deleteMeter(id)
  t.is(lines(await ovs.ofctl(['dump-flows'])).length, 0)
})
