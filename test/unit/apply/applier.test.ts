import test, { type ExecutionContext } from 'ava'
import { createApplier } from '../../../shared/apply/apply.ts'
import type { SavedObject } from '../../../shared/apply/saver.ts'
import type { Compiled } from '../../../shared/flows/compiled.ts'
import { encodeCookie } from '../../../shared/flows/cookie.ts'
import type { Flow } from '../../../shared/flows/types.ts'
import { systemClock } from '../../../shared/run/clock.ts'
import { memoryLog } from '../run/memory-log.ts'
import { createModelSwitch } from '../simulation/model-switch.ts'

const flow = (port: number, out = 1): Flow => ({
  table: 0,
  priority: 100,
  cookie: encodeCookie('agent', 'request', port),
  match: { eth_type: 0x0800, ip_proto: 6, tcp_dst: port },
  actions: [{ type: 'output', port: out }],
})

/** Object → its flows. */
const compiled = (objects: Record<string, readonly Flow[]>): Compiled =>
  new Map(
    Object.entries(objects).map(([object, flows]) => [
      object,
      {
        signature: JSON.stringify(flows.map(f => [f.match, f.actions])),
        flows: () => flows,
      },
    ]),
  )

function scene() {
  const log = memoryLog()
  const sw = createModelSwitch('agent')
  const saved = new Map<string, readonly string[]>()
  let full = false
  const store = {
    setDesired: (objects: Iterable<SavedObject>) => {
      if (full) throw new Error('disk full')
      for (const { object, flows } of objects) {
        const { texts } = flows()
        if (texts.length === 0) saved.delete(object)
        else saved.set(object, texts)
      }
    },
    keepDesired: (has: (object: string) => boolean) => {
      for (const object of saved.keys()) if (!has(object)) saved.delete(object)
    },
    setLastCommit: () => {},
  }
  const applier = createApplier({ log, clock: systemClock, store })
  /** Acts, and writes down what it has done. */
  const applyAndSave: typeof applier.apply = async (...args) => {
    const applied = await applier.apply(...args)
    applier.save()
    return applied
  }
  const ports = () => [...sw.flows.values()].map(f => Number(f.match.tcp_dst)).sort((a, b) => a - b)
  return { sw, applier, applyAndSave, saved, lines: log.lines, ports, fill: (value: boolean) => (full = value) }
}

test('what is compiled is installed and saved, and what is compiled no more goes', async t => {
  const { sw, applier, applyAndSave, saved, ports } = scene()
  t.deepEqual(await applyAndSave(compiled({ a: [flow(1)], b: [flow(2), flow(3)] }), sw), {
    added: 3,
    changed: 0,
    deleted: 0,
  })
  t.deepEqual(ports(), [1, 2, 3])
  t.deepEqual([...saved.keys()], ['a', 'b'])
  t.deepEqual(await applyAndSave(compiled({ b: [flow(2, 9), flow(3)] }), sw), { added: 0, changed: 1, deleted: 1 })
  t.deepEqual(ports(), [2, 3])
  t.deepEqual([...saved.keys()], ['b'])
  t.like(applier.counts, { desiredFlows: 2, installedFlows: 2, commits: 2 })
})

test('only the objects named are looked at', async t => {
  const { sw, applier, ports } = scene()
  await applier.apply(compiled({ a: [flow(1)], b: [flow(2)] }), sw)
  await applier.apply(compiled({ a: [flow(4)], b: [flow(5)], c: [flow(6)] }), sw, { changed: ['a', 'c'] })
  t.deepEqual(ports(), [2, 4, 6])
  await applier.apply(compiled({ a: [flow(4)], b: [flow(5)] }), sw, { changed: ['c'] })
  t.deepEqual(ports(), [2, 4])
})

test('others have their turn while many flows are taken over', async t => {
  const { sw, applier } = scene()
  const objects = Array.from({ length: 50 }, (_, n) => [
    n,
    Array.from({ length: 100 }, (_, i) => flow(n * 100 + i + 1)),
  ])
  let turns = 0
  let next = setImmediate(function turn() {
    turns++
    next = setImmediate(turn)
  })
  const commit: typeof sw.commit = async change => {
    clearImmediate(next)
    return sw.commit(change)
  }
  await applier.apply(compiled(Object.fromEntries(objects)), { ...sw, commit })
  t.is(sw.flows.size, 5000)
  t.true(turns >= 4)
})

test('a refused flow takes its object alone out, and is tried again when it changes', async t => {
  const { sw, applier, ports, lines } = scene()
  sw.refuse = f => f.match.tcp_dst === 2
  await applier.apply(compiled({ a: [flow(1)], b: [flow(2), flow(3)], c: [flow(4)] }), sw)
  t.deepEqual(ports(), [1, 4])
  t.deepEqual(
    applier.quarantined.map(({ object }) => object),
    ['b'],
  )
  t.deepEqual([applier.confirmed('a'), applier.confirmed('b')], [true, false])
  t.is(lines.filter(line => line.level === 'error').length, 1)
  const { commits } = sw
  await applier.apply(compiled({ a: [flow(1)], b: [flow(2), flow(3)], c: [flow(4)] }), sw)
  t.is(sw.commits, commits)
  await applier.apply(compiled({ a: [flow(1)], b: [flow(3)], c: [flow(4)] }), sw)
  t.deepEqual(ports(), [1, 3, 4])
  t.deepEqual(applier.quarantined, [])
})

test('what a refused object asks for counts as desired as long as it asks', async t => {
  const { sw, applier } = scene()
  const count = () => [applier.counts.desiredFlows, applier.counts.installedFlows]
  sw.refuse = f => f.match.tcp_dst === 2
  await applier.apply(compiled({ a: [flow(1)], b: [flow(2), flow(3)] }), sw)
  t.deepEqual(count(), [3, 1])
  await applier.apply(compiled({ a: [flow(1)] }), sw)
  t.deepEqual(count(), [1, 1])
})

test('a change that is refused leaves in force what was confirmed before', async t => {
  const { sw, applier, ports } = scene()
  await applier.apply(compiled({ a: [flow(1)], b: [flow(2)] }), sw)
  sw.refuse = f => f.match.tcp_dst === 5
  await applier.apply(compiled({ a: [flow(3)], b: [flow(5)] }), sw)
  t.deepEqual(ports(), [2, 3])
  t.false(applier.confirmed('b'))
  // Another switch may accept it.
  sw.refuse = () => false
  applier.distrust({ retryRefused: true })
  await applier.apply(compiled({ a: [flow(3)], b: [flow(5)] }), sw)
  t.deepEqual(ports(), [3, 5])
})

test('of two objects that want one flow the second is left out, and has it when the first lets go', async t => {
  const { sw, applier } = scene()
  await applier.apply(compiled({ a: [flow(1)] }), sw)
  await applier.apply(compiled({ a: [flow(1)], b: [flow(1, 7)] }), sw)
  t.deepEqual(
    applier.quarantined.map(({ object }) => object),
    ['b'],
  )
  t.deepEqual(
    [...sw.flows.values()].map(f => f.actions),
    [flow(1).actions],
  )
  await applier.apply(compiled({ b: [flow(1, 7)] }), sw)
  t.deepEqual(
    [...sw.flows.values()].map(f => f.actions),
    [flow(1, 7).actions],
  )
  t.deepEqual(applier.quarantined, [])
})

test('a switch that refuses everything is not asked without end', async t => {
  const { sw, applier } = scene()
  sw.refuse = () => true
  const many = compiled(Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`o${n}`, [flow(n + 1)]])))
  await t.throwsAsync(applier.apply(many, sw), { code: 'SWITCH_REJECTED' })
  t.true(applier.quarantined.length < 20)
})

test('an answer that is lost is not taken for a failure: the switch is read before the next change', async t => {
  const { sw, applier, ports } = scene()
  sw.loseNextAnswer()
  await t.throwsAsync(applier.apply(compiled({ a: [flow(1)] }), sw), { code: 'SWITCH_DOWN' })
  t.false(applier.confirmed('a'))
  t.deepEqual(await applier.apply(compiled({ a: [flow(1)] }), sw), { added: 0, changed: 0, deleted: 0 })
  t.deepEqual(ports(), [1])
  t.true(applier.confirmed('a'))
})

test('what cannot be saved is in the switch, and is saved when the disk has room again', async t => {
  const { sw, applier, applyAndSave, saved, ports, fill } = scene()
  await applyAndSave(compiled({ a: [flow(1)] }), sw)
  fill(true)
  t.deepEqual(await applier.apply(compiled({ a: [flow(2)] }), sw), { added: 1, changed: 0, deleted: 1 })
  t.true(applier.confirmed('a'))
  t.deepEqual(ports(), [2])
  t.throws(applier.save)
  t.regex(saved.get('a')?.[0] ?? '', /tp_dst=1/)
  fill(false)
  await applyAndSave(compiled({ a: [flow(2)] }), sw)
  t.deepEqual(ports(), [2])
  t.regex(saved.get('a')?.[0] ?? '', /tp_dst=2/)
})

test('without sweep nothing is deleted', async t => {
  const { sw, applier, ports } = scene()
  sw.strangerAdds(flow(9))
  await applier.apply(compiled({ a: [flow(1)] }), sw, { sweep: false })
  t.deepEqual(ports(), [1, 9])
  await applier.apply(compiled({ a: [flow(1)] }), sw)
  t.deepEqual(ports(), [1])
})

test('a switch that is read before anything is wanted is read again only where something is not as it should be', async t => {
  const readings = async (before: readonly Flow[], wanted: readonly Flow[]) => {
    const { sw, applier, ports } = scene()
    for (const one of before) sw.strangerAdds(one)
    let read = 0
    const counting: typeof sw = {
      ...sw,
      readInstalled: known => {
        read++
        return sw.readInstalled(known)
      },
    }
    applier.readAhead(counting)
    await applier.apply(compiled({ a: wanted }), counting)
    t.deepEqual(
      ports(),
      wanted.map(one => Number(one.match.tcp_dst)),
    )
    t.is(applier.counts.installedFlows, wanted.length)
    await applier.apply(compiled({ a: [...wanted.slice(1), flow(7)] }), counting)
    return read
  }
  t.is(await readings([flow(1), flow(2)], [flow(1), flow(2)]), 1)
  t.is(await readings([flow(1)], [flow(1), flow(2)]), 1)
  t.is(await readings([], [flow(1)]), 1)
  t.is(await readings([flow(1), flow(9)], [flow(1)]), 2)
  t.is(await readings([flow(1, 5)], [flow(1)]), 2)
})

/** Sixty objects of three hundred flows each, and a switch that records the calls. */
function large(t: ExecutionContext) {
  const { sw, applier } = scene()
  const flows = (n: number) => Array.from({ length: 300 }, (_, i) => flow(n * 300 + i + 1))
  const objects = Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`o${n}`, flows(n)]))
  const bundles: number[] = []
  const listening: typeof sw = {
    ...sw,
    commit: async change => {
      bundles.push(change.addFlows.length)
      await sw.commit(change)
    },
  }
  const full = () => t.is(sw.flows.size, 18_000)
  return { sw, listening, applier, objects, bundles, full }
}

test('a bridge is filled in lots, and what is there is sent once', async t => {
  const { listening, applier, objects, bundles, full } = large(t)
  applier.readAhead(listening)
  t.deepEqual(await applier.apply(compiled(objects), listening), { added: 18_000, changed: 0, deleted: 0 })
  full()
  t.true(bundles.length > 1)
  t.is(
    bundles.reduce((a, b) => a + b),
    18_000,
  )
  t.like(applier.counts, { added: 18_000, installedFlows: 18_000 })
  await applier.apply(compiled({ ...objects, o7: [flow(60_000)] }), listening)
  t.is(bundles.at(-1), 1)
})

test('a lot that is refused, or whose answer is lost, is made good with the rest', async t => {
  const lost = large(t)
  lost.applier.readAhead(lost.listening)
  lost.sw.loseNextAnswer()
  await lost.applier.apply(compiled(lost.objects), lost.listening)
  lost.full()
  const refused = large(t)
  refused.applier.readAhead(refused.listening)
  refused.sw.refuse = ({ match }) => match.tcp_dst === 700
  await refused.applier.apply(compiled(refused.objects), refused.listening)
  t.is(refused.sw.flows.size, 17_700)
  t.deepEqual(
    refused.applier.quarantined.map(({ object }) => object),
    ['o2'],
  )
})

test('two objects of different lots that want one flow', async t => {
  const { listening, sw, applier, objects } = large(t)
  applier.readAhead(listening)
  await applier.apply(compiled({ ...objects, z: [flow(1, 7)] }), listening)
  t.is(sw.flows.size, 18_000)
  t.deepEqual(
    applier.quarantined.map(({ object }) => object),
    ['z'],
  )
})

test('where there is something already, all is one bundle', async t => {
  const { listening, applier, objects, bundles, full } = large(t)
  await applier.apply(compiled({ o59: objects.o59!.map(one => ({ ...one, actions: [] })) }), listening)
  bundles.length = 0
  await applier.apply(compiled(objects), listening)
  full()
  t.is(bundles.length, 1)
})
