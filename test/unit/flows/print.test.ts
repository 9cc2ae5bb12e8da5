import test from 'ava'
import fc from 'fast-check'
import { createEntries, printOf } from '../../../shared/flows/entries.ts'
import { flowContent, flowKey } from '../../../shared/flows/key.ts'
import type { Flow } from '../../../shared/flows/types.ts'
import { decodeFlowMod, encodeFlowMod } from '../../../shared/openflow/flow.ts'
import { FLOWS } from '../openflow/shapes.ts'
import { flow } from './arbitrary.ts'

const prints = (one: Flow) => {
  const { key0, key1, content0, content1 } = printOf(one)
  return { key: `${key0} ${key1}`, content: `${content0} ${content1}` }
}

test('two flows have one print exactly when they have one text', t => {
  const any = fc.oneof(flow, fc.constantFrom(...FLOWS))
  fc.assert(
    fc.property(any, any, (a, b) => {
      t.is(prints(a).key === prints(b).key, flowKey(a) === flowKey(b))
      t.is(prints(a).content === prints(b).content, flowContent(a) === flowContent(b))
    }),
    { numRuns: 2000 },
  )
})

test('what comes back from the wire has the print of what was sent', t => {
  for (const one of FLOWS) t.deepEqual(prints(decodeFlowMod(encodeFlowMod(1, 'add', one)).flow), prints(one))
})

test('every bit of a number counts', t => {
  const seen = new Set<string>()
  for (let n = 0; n < 20_000; n++) {
    const match = { eth_type: 0x800, ipv4_dst: `10.${n >> 12}.${(n >> 4) & 255}.${n & 15}` }
    const one = { table: 0, priority: 1, cookie: BigInt(n), match, actions: [] }
    const { key, content } = prints(one)
    seen.add(key).add(content)
  }
  t.is(seen.size, 40_000)
})

test('records keep to a simple map through growth, loss and return', t => {
  const step = fc.record({
    key: fc.integer({ min: 0, max: 40 }),
    what: fc.constantFrom('claim', 'unclaim', 'install', 'remove', 'forget' as const),
    content: fc.integer({ min: 1, max: 3 }),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), steps => {
      const entries = createEntries()
      const model = new Map<number, { want: number; claims: number; have: number }>()
      for (const { key, what, content } of steps) {
        const print = { key0: key * 64, key1: 0, content0: content, content1: 1 }
        const one = model.get(key) ?? { want: 0, claims: 0, have: 0 }
        model.set(key, one)
        if (what === 'claim') {
          entries.claim(entries.place(print), key, print)
          one.want = content
          one.claims++
        } else if (what === 'unclaim' && one.claims > 0) {
          entries.unclaim(entries.find(print))
          one.claims--
        } else if (what === 'install' || what === 'remove') {
          entries.install(entries.place(print), what === 'install' ? print : undefined)
          one.have = what === 'install' ? content : 0
        } else if (what === 'forget' && content === 1) {
          entries.forgetInstalled()
          for (const each of model.values()) each.have = 0
        }
        const all = [...model.values()]
        t.deepEqual(entries.counts, {
          missing: all.filter(({ claims, have }) => claims > 0 && have === 0).length,
          different: all.filter(({ claims, have, want }) => claims > 0 && have !== 0 && have !== want).length,
          unclaimed: all.filter(({ claims, have }) => claims === 0 && have !== 0).length,
        })
        const wrong = all.filter(({ claims, have, want }) => claims > 0 && have !== want).length
        t.is([...entries.unlike()].length, wrong)
      }
    }),
  )
})
