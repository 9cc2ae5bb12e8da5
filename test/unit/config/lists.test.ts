import test from 'ava'
import fc from 'fast-check'
import { changedItems, updateSorted } from '../../../shared/lists.ts'

test('lists are compared by identity, whatever their order', t => {
  const same = (before: string[], after: string[]) => {
    const { gone, come } = changedItems(before, after)
    return [gone.sort().join(''), come.sort().join('')]
  }
  t.deepEqual(same([...'abcde'], [...'abxde']), ['c', 'x'])
  t.deepEqual(same([...'abcde'], [...'edcba']), ['', ''])
  t.deepEqual(same([], [...'ab']), ['', 'ab'])
})

test('a sorted list that is brought up to date is the list sorted anew', t => {
  const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 3 }), { maxLength: 200 })
  fc.assert(
    fc.property(names, fc.array(fc.nat(9)), (all, picks) => {
      const group = (n: number) => all.filter((_, i) => (picks[i] ?? 0) % 3 === n)
      const [stay, gone, come] = [group(0), group(1), group(2)]
      const sorted = [...stay, ...gone].sort((a, b) => (a < b ? -1 : 1))
      const wanted = [...stay, ...come].sort((a, b) => (a < b ? -1 : 1))
      t.deepEqual(
        updateSorted(sorted, new Set(gone), come, name => name),
        wanted,
      )
    }),
  )
})
