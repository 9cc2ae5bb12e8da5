import test from 'ava'
import { startPassive } from '../../../director/balance/passive.ts'
import { SIGNAL } from '../../../director/compile/tables.ts'
import { compileService, type Plan } from '../../../director/plan/plan.ts'
import type { ServiceOptions, VirtualService } from '../../../director/registry/services.ts'
import type { RealServer } from '../../../director/registry/types.ts'
import type { FlowStats, FlowStatsFilter } from '../../../shared/switch/types.ts'
import { fakeClock } from '../run/fake-clock.ts'
import { memoryLog } from '../run/memory-log.ts'
import { rs } from '../schedule/fixture.ts'

const MARKS = new Map(['a', 'b', 'c'].map((id, i) => [id, i + 1]))
const numbers = {
  of: (kind: string, name: string) => (kind === 'mark' ? MARKS.get(name.at(-1)!)! : 1),
  isKept: () => true,
  save() {},
}
const ACT: ServiceOptions = { passive: { fall: 5, retry: 10_000, panic: 100 } }

/** A service of three real servers on two hosts, and a switch with scripted counters. */
function setUp(options: ServiceOptions, realServers?: RealServer[]) {
  const clock = fakeClock()
  const log = memoryLog()
  const counts = { opened: new Map<number, number>(), recalled: 0, accepted: new Map<number, number>() }
  const reset = new Map<number, number>()
  let marks = 0
  let replanned: readonly string[] = []
  let reads = 0
  let full = false
  const service: VirtualService = {
    key: 'tcp 10.10.1.100:80',
    service: 'web',
    vip: '10.10.1.100',
    port: 80,
    protocol: 'tcp',
    scheduler: 'mh',
    clients: ['0.0.0.0/0'],
    source: 'x',
    options,
    realServers: realServers ?? [rs('a'), rs('b'), rs('c', { hostId: 'rs2' })],
  }
  const stats = async ({ kind }: FlowStatsFilter): Promise<FlowStats[]> => {
    reads++
    const flows = (map: Map<number, number>, match: object = {}) =>
      MARKS.values().map(ct_mark => ({ cookie: 0n, packets: map.get(ct_mark) ?? 0, match: { ct_mark, ...match } }))
    if (kind === 'accepted') return [...flows(counts.accepted, { [SIGNAL]: 1 })]
    if (kind === 'reset') return [...flows(reset, { [SIGNAL]: 1 })]
    const recalled = { cookie: 0n, packets: counts.recalled, match: { ct_mark: 1, [SIGNAL]: 1 } }
    return [...flows(counts.opened), recalled]
  }
  const plan: Plan = { services: [service], compiled: [], problems: [] }
  const passive = startPassive({
    switch: () => ({ state: 'up', readFlowStats: stats }),
    plan: () => ({ ...plan, compiled: [compileService(service, numbers, () => ({ now: 0 }))] }),
    markOf: (_, id) => MARKS.get(id)!,
    isFull: async () => full,
    totalOf: () => counts.opened.values().reduce((a, b) => a + b, counts.recalled),
    log,
    clock,
    replan: keys => {
      marks++
      replanned = keys
    },
    changed: () => {},
  })
  const add = (map: Map<number, number>, id: string, n: number) =>
    map.set(MARKS.get(id)!, (map.get(MARKS.get(id)!) ?? 0) + n)
  return {
    clock,
    log,
    passive,
    service,
    /** New connections of a real server, with those that it has accepted and refused. */
    come: (id: string, opened: number, accepted = opened, refused = 0) => {
      add(counts.opened, id, opened)
      add(counts.accepted, id, accepted)
      add(reset, id, refused)
    },
    recall: (n: number) => {
      counts.recalled += n
    },
    /** The connection table has no room. */
    fill: () => {
      full = true
    },
    marks: () => marks,
    replanned: () => replanned,
    reads: () => reads,
    shares: () => compileService(service, numbers, () => ({ now: 0 }), passive.judged).shares.map(({ mark }) => mark),
  }
}

test('without the option it is told, by names, and nothing else happens', async t => {
  const { clock, come, passive, service, log, marks, shares } = setUp({})
  await clock.advance(2000)
  come('a', 20)
  come('b', 20, 0, 20)
  await clock.advance(2000)
  t.is(passive.acceptanceOf(service, 'a')?.phase, 'accepting')
  t.like(passive.acceptanceOf(service, 'b'), { phase: 'out', unanswered: 20, refused: 20 })
  t.like(
    log.lines.find(({ level }) => level === 'warning' || level === 'warn'),
    { service: 'web', vm: 'b', host: 'rs1' },
  )
  t.is(marks(), 0)
  t.deepEqual(shares(), [1, 2, 3])
  t.is(passive.judged(service), service)
})

test('with it, it leaves scheduling, is tried after a while, and comes back', async t => {
  const { clock, come, replanned, marks, shares } = setUp(ACT)
  await clock.advance(2000)
  come('b', 5, 0, 5)
  come('c', 5)
  await clock.advance(2000)
  t.deepEqual(shares(), [1, 3])
  t.is(marks(), 1)
  t.deepEqual(replanned(), ['tcp 10.10.1.100:80'])
  await clock.advance(12_000)
  t.deepEqual(shares(), [1, 2, 3], 'a trial')
  come('b', 1, 0, 0)
  await clock.advance(1000)
  t.deepEqual(shares(), [1, 3], 'one is enough')
  come('b', 0, 1, 0)
  await clock.advance(2000)
  t.deepEqual(shares(), [1, 2, 3])
})

test('what was not answered while the table was full says nothing', async t => {
  const { clock, come, fill, passive, service, log } = setUp(ACT)
  await clock.advance(2000)
  come('b', 5)
  await clock.advance(2000)
  fill()
  come('b', 50, 0)
  await clock.advance(10_000)
  t.like(passive.acceptanceOf(service, 'b'), { phase: 'accepting', unanswered: 0 })
  t.false(log.lines.some(({ level }) => level === 'warn'))
})

test('SYNs that are answered and never followed by anything take nobody out', async t => {
  const { clock, come, passive, service } = setUp(ACT)
  await clock.advance(2000)
  for (let n = 0; n < 10; n++) {
    come('b', 5000)
    await clock.advance(1000)
  }
  t.is(passive.acceptanceOf(service, 'b')?.phase, 'accepting')
})

test('when all fail, all are kept', async t => {
  const { clock, come, shares } = setUp(ACT)
  await clock.advance(2000)
  for (const id of MARKS.keys()) come(id, 1)
  await clock.advance(2000)
  for (const id of MARKS.keys()) come(id, 9, 0, 9)
  await clock.advance(2000)
  t.deepEqual(shares(), [1, 2, 3])
})

test('who is drained or down by its agent’s word stays what it is', async t => {
  const down = rs('b', { state: 'down', reason: 'check' })
  const { clock, come, passive, service } = setUp(ACT, [rs('a'), down, rs('c')])
  await clock.advance(2000)
  come('a', 5)
  come('b', 5, 0, 5)
  await clock.advance(2000)
  t.is(passive.judged(service).realServers[1]!.barred, undefined)
})

test('connections that were recalled are nothing that a real server would accept', async t => {
  const { clock, come, recall, passive, service } = setUp(ACT)
  await clock.advance(2000)
  come('a', 5)
  await clock.advance(2000)
  recall(10_000)
  await clock.advance(5000)
  t.like(passive.acceptanceOf(service, 'a'), { phase: 'accepting', unanswered: 0 })
})

test('a host that has told nothing is named, and its real servers are not judged', async t => {
  const { clock, come, passive, service, shares } = setUp(ACT)
  await clock.advance(2000)
  come('a', 20)
  come('c', 20, 0)
  await clock.advance(5000)
  t.deepEqual(passive.unheard(), [{ hostId: 'rs2', connections: 20 }])
  t.is(passive.acceptanceOf(service, 'c')?.phase, 'accepting')
  t.deepEqual(shares(), [1, 2, 3])
  come('c', 1)
  await clock.advance(2000)
  t.deepEqual(passive.unheard(), [])
})

test('while no connection comes the switch is not asked', async t => {
  const { clock, come, reads } = setUp(ACT)
  await clock.advance(2000)
  come('a', 5)
  await clock.advance(2000)
  const before = reads()
  await clock.advance(60_000)
  t.is(reads(), before)
})
