import test from 'ava'
import fc from 'fast-check'
import { CrossportError } from '../../../shared/errors.ts'
import { changeSize, diff, NO_CHANGE } from '../../../shared/flows/diff.ts'
import { flowKey } from '../../../shared/flows/key.ts'
import { createFlowTable } from '../../../shared/flows/table.ts'
import type { DesiredState } from '../../../shared/flows/types.ts'
import { apply, asSet, installed, state } from './arbitrary.ts'

const NOTHING: DesiredState = { flows: [], groups: [] }

/** Two objects never want the same: each keeps to its own table, or its own half of the groups. */
const split = (s: DesiredState, object: 0 | 1): DesiredState => ({
  flows: s.flows.filter(f => f.table === object),
  groups: s.groups.filter(g => g.id % 2 === object),
})
const names = ['web', 'dns'] as const

type Step = { object: 0 | 1; wants: DesiredState } | 'commit' | 'drift'
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ object: fc.constantFrom(0 as const, 1 as const), wants: state }),
  fc.constant('commit' as const),
  fc.constant('drift' as const),
)

test('after any history, the incremental change is the whole difference', t => {
  fc.assert(
    fc.property(state, fc.array(step, { maxLength: 12 }), state, (before, steps, drifted) => {
      const table = createFlowTable()
      let onSwitch = installed(before)
      const wants: [DesiredState, DesiredState] = [NOTHING, NOTHING]
      table.readBack(onSwitch)
      for (const s of [...steps, 'commit' as const]) {
        if (s === 'drift') {
          onSwitch = installed(drifted)
          table.readBack(onSwitch)
        } else if (s === 'commit') {
          const change = table.change()
          const whole = diff(table.desired, onSwitch)
          for (const part of Object.keys(whole) as (keyof typeof whole)[])
            t.is(change[part].length, whole[part].length, part)
          onSwitch = apply(change, onSwitch)
          table.confirm(change)
          t.is(changeSize(table.change()), 0)
        } else {
          wants[s.object] = split(s.wants, s.object)
          table.set(names[s.object], wants[s.object])
        }
      }
      const desired = { flows: wants.flatMap(w => w.flows), groups: wants.flatMap(w => w.groups) }
      t.deepEqual(asSet(onSwitch), asSet(desired))
      t.deepEqual(asSet(table.desired), asSet(desired))
    }),
    { numRuns: 300 },
  )
})

test('what was desired while a commit was under way is still to be done after it', t => {
  fc.assert(
    fc.property(state, state, (first, second) => {
      const table = createFlowTable()
      table.set('web', first)
      const underWay = table.change()
      table.set('web', second)
      table.confirm(underWay)
      const onSwitch = apply(underWay, installed(NOTHING))
      t.deepEqual(asSet(apply(table.change(), onSwitch)), asSet(second))
    }),
  )
})

test('an unconfirmed change is offered again', t => {
  fc.assert(
    fc.property(state, wants => {
      const table = createFlowTable()
      table.set('web', wants)
      t.deepEqual(table.change(), table.change())
      t.deepEqual(table.change().addFlows, wants.flows)
    }),
  )
})

test('a flow handed from one object to another is no change, in either order', t => {
  const [wants] = fc.sample(
    state.filter(s => s.flows.length > 0),
    1,
  )
  for (const order of [
    ['a', 'b'],
    ['b', 'a'],
  ]) {
    const table = createFlowTable()
    table.set('a', wants!)
    table.confirm(table.change())
    for (const object of order) table.set(object, object === 'a' ? NOTHING : wants!)
    t.deepEqual(table.change(), NO_CHANGE)
    t.deepEqual([...table.objects], ['b'])
  }
})

test('two objects that want one flow: an error that names both, gone when one lets go', t => {
  const [wants] = fc.sample(
    state.filter(s => s.flows.length === 1),
    1,
  )
  const table = createFlowTable()
  table.set('web', { ...wants!, groups: [] })
  table.set('dns', { ...wants!, groups: [] })
  const error = t.throws(() => table.change(), { instanceOf: CrossportError })
  t.is(error?.code, 'FLOW_DUPLICATE')
  t.regex(error?.message ?? '', /web and dns/)
  t.true(error?.message.includes(flowKey(wants!.flows[0]!)))
  table.set('dns', NOTHING)
  t.is(table.change().addFlows.length, 1)
})

test('one changed object among many touches only its own flows', t => {
  const table = createFlowTable()
  const wants = (n: number, port: number): DesiredState => ({
    groups: [],
    flows: [
      {
        table: 0,
        priority: 1,
        cookie: 1n,
        match: { eth_type: 0x800, ipv4_dst: `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}` },
        actions: [{ type: 'output', port }],
      },
    ],
  })
  for (let n = 0; n < 1000; n++) table.set(`s${n}`, wants(n, 1))
  table.confirm(table.change())
  table.set('s500', wants(500, 2))
  t.deepEqual(table.change(), { ...NO_CHANGE, replaceFlows: wants(500, 2).flows })
})
