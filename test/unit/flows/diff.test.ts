import test from 'ava'
import fc from 'fast-check'
import { CrossportError } from '../../../shared/errors.ts'
import { encodeCookie } from '../../../shared/flows/cookie.ts'
import { changeSize, diff } from '../../../shared/flows/diff.ts'
import type { Flow } from '../../../shared/flows/types.ts'
import { apply, asSet, group, installed, state } from './arbitrary.ts'

test('applying the difference to what is installed gives what is desired', t => {
  fc.assert(
    fc.property(state, state, (desired, before) => {
      t.deepEqual(asSet(apply(diff(desired, installed(before)), installed(before))), asSet(desired))
    }),
    { numRuns: 500 },
  )
})

test('equal states differ in nothing, in any order', t => {
  fc.assert(
    fc.property(state, s => {
      const shuffled = { flows: s.flows.toReversed(), groups: s.groups.toReversed() }
      t.is(changeSize(diff(s, installed(shuffled))), 0)
    }),
  )
})

test('only what differs is touched', t => {
  fc.assert(
    fc.property(state, state, (desired, before) => {
      const change = diff(desired, installed(before))
      const kept = asSet(desired).filter(item => asSet(before).includes(item)).length
      const { addFlows, replaceFlows, addGroups, modifyGroups } = change
      const sent = addFlows.length + replaceFlows.length + addGroups.length + modifyGroups.length
      t.is(sent, desired.flows.length + desired.groups.length - kept)
    }),
  )
})

const flow: Flow = {
  table: 0,
  priority: 10,
  cookie: encodeCookie('agent', 'request', 1),
  match: { eth_type: 0x800, ipv4_dst: '10.0.0.1' },
  actions: [],
}

test('the notation of a value makes no difference', t => {
  const other: Flow = { ...flow, match: { ipv4_dst: '10.0.0.1/32', eth_type: 2048n } }
  t.is(changeSize(diff({ flows: [flow], groups: [] }, installed({ flows: [other], groups: [] }))), 0)
})

test('a flow that has another cookie now is replaced, and never deleted and added', t => {
  const before = { ...flow, cookie: encodeCookie('agent', 'request', 0x0a0a_0164) }
  const change = diff({ flows: [flow], groups: [] }, installed({ flows: [before], groups: [] }))
  t.deepEqual(change.replaceFlows, [flow])
  t.is(changeSize(change), 1)
})

test('two flows with one key are an error that names both', t => {
  const other = { ...flow, cookie: encodeCookie('agent', 'reply', 2) }
  const error = t.throws(() => diff({ flows: [flow, other], groups: [] }, installed({ flows: [], groups: [] })), {
    instanceOf: CrossportError,
  })
  t.is(error?.code, 'FLOW_DUPLICATE')
  t.regex(error?.message ?? '', /agent\/request\/1 and agent\/reply\/2/)
})

test('two groups with one id are an error', t => {
  const [one] = fc.sample(group, 1)
  const error = t.throws(() => diff({ flows: [], groups: [one!, one!] }, installed({ flows: [], groups: [] })))
  t.is((error as CrossportError).code, 'FLOW_DUPLICATE')
})
