import test from 'ava'
import fc from 'fast-check'
import { CrossportError } from '../../../shared/errors.ts'
import type { CompiledObject } from '../../../shared/flows/compiled.ts'
import { changeSize, diff, NO_CHANGE } from '../../../shared/flows/diff.ts'
import { printOf } from '../../../shared/flows/entries.ts'
import { flowKey } from '../../../shared/flows/key.ts'
import { createFlowTable, type FlowTable, writtenFlows } from '../../../shared/flows/table.ts'
import type { Change, DesiredState, Flow } from '../../../shared/flows/types.ts'
import { apply, asSet, installed, state } from './arbitrary.ts'

const NOTHING: DesiredState = { flows: [], groups: [] }
const wanted = (s: DesiredState): CompiledObject => ({ signature: '', flows: () => s.flows, groups: () => s.groups })

/** Iterates over the change and confirms it, as the switch does. */
function commit(table: FlowTable): void {
  const change = table.change()
  plain(change)
  table.confirm(change)
}

const plain = (change: Change) => ({
  ...change,
  addFlows: [...change.addFlows],
  replaceFlows: [...change.replaceFlows],
  deleteFlows: [...change.deleteFlows],
})

/** No two objects want the same flow or group: each has its own table, or its own half of the groups. */
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
      table.readBack().done(onSwitch)
      for (const s of [...steps, 'commit' as const]) {
        if (s === 'drift') {
          onSwitch = installed(drifted)
          table.readBack().done(onSwitch)
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
          table.set(names[s.object], wanted(wants[s.object]))
        }
      }
      const desired = { flows: wants.flatMap(w => w.flows), groups: wants.flatMap(w => w.groups) }
      t.deepEqual(asSet(onSwitch), asSet(desired))
      t.deepEqual(asSet(table.desired), asSet(desired))
    }),
    { numRuns: 300 },
  )
})

test('an unconfirmed change is offered again', t => {
  fc.assert(
    fc.property(state, wants => {
      const table = createFlowTable()
      table.set('web', wanted(wants))
      t.deepEqual([...table.change().addFlows], wants.flows)
      t.deepEqual([...table.change().addFlows], wants.flows)
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
    table.set('a', wanted(wants!))
    commit(table)
    for (const object of order) table.set(object, object === 'a' ? undefined : wanted(wants!))
    t.is(changeSize(table.change()), 0)
    t.deepEqual([...table.objects], ['b'])
  }
})

test('two objects that want one flow: an error that names both, gone when one lets go', t => {
  const [wants] = fc.sample(
    state.filter(s => s.flows.length === 1),
    1,
  )
  const table = createFlowTable()
  table.set('web', wanted({ ...wants!, groups: [] }))
  table.set('dns', wanted({ ...wants!, groups: [] }))
  const error = t.throws(() => table.change(), { instanceOf: CrossportError })
  t.is(error?.code, 'FLOW_DUPLICATE')
  t.regex(error?.message ?? '', /web and dns/)
  t.true(error?.message.includes(flowKey(wants!.flows[0]!)))
  table.set('dns', wanted(NOTHING))
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
  for (let n = 0; n < 1000; n++) table.set(`s${n}`, wanted(wants(n, 1)))
  commit(table)
  table.set('s500', wanted(wants(500, 2)))
  t.deepEqual(plain(table.change()), { ...NO_CHANGE, replaceFlows: wants(500, 2).flows })
})

test('read back by prints, by flows, or by both, it is the same', t => {
  fc.assert(
    fc.property(state, state, fc.func(fc.boolean()), (wants, there, asks) => {
      const onSwitch = installed(there)
      const read = (known: (flow: Flow) => boolean) => {
        const table = createFlowTable()
        table.set('web', wanted(wants))
        const reading = table.readBack()
        const flows = onSwitch.flows.filter(one => !(known(one) && reading.known(printOf(one))))
        t.is(reading.done({ ...onSwitch, flows }), onSwitch.flows.length)
        return plain(table.change())
      }
      const whole = diff(wants, onSwitch)
      for (const known of [() => true, () => false, asks]) {
        const change = read(known)
        for (const part of Object.keys(whole) as (keyof typeof whole)[])
          t.is(change[part].length, whole[part].length, part)
      }
    }),
  )
})

test('what is read ahead is as good as what is read back, or has to be described', t => {
  fc.assert(
    fc.property(state, state, fc.boolean(), (wants, there, same) => {
      const onSwitch = installed(same ? wants : there)
      const table = createFlowTable()
      const ahead = table.readAhead()
      t.true(onSwitch.flows.every(one => ahead.known(printOf(one))))
      t.is(ahead.done({ flows: [], groups: onSwitch.groups }), onSwitch.flows.length)
      table.set('web', wanted(wants))
      const whole = diff(wants, onSwitch)
      t.is(table.undescribed, whole.replaceFlows.length + whole.deleteFlows.length > 0)
      if (table.undescribed) table.readBack().done(onSwitch)
      const change = plain(table.change())
      for (const part of Object.keys(whole) as (keyof typeof whole)[])
        t.is(change[part].length, whole[part].length, part)
    }),
  )
})

test('an object whose prints are known is not made to be compared', t => {
  const flows: Flow[] = [{ table: 0, priority: 1, cookie: 1n, match: { eth_type: 0x800 }, actions: [] }]
  let made = 0
  const state = {
    signature: 's',
    flows: () => {
      made++
      return flows
    },
  }
  const { prints } = writtenFlows(flows)
  const table = createFlowTable((object, signature) => (object === 'web' && signature === 's' ? prints : undefined))
  table.readBack().done(installed({ flows, groups: [] }))
  table.set('web', state)
  t.is(changeSize(table.change()), 0)
  t.is(made, 0)
  table.set('mail', state)
  t.is(made, 1)
})
