import test from 'ava'
import { median } from '../../../bench/measure.ts'
import { findSuites } from '../../../bench/suites.ts'
import { isMet, jsonLine, table } from '../../../bench/table.ts'

const figures = [
  { name: 'plain', value: 1234.5, unit: 'ms' },
  { name: 'good', value: 0.98765, unit: '×', goal: { atMost: 1 } },
  { name: 'bad', value: 9, unit: 'requests/s', goal: { atLeast: 10 } },
] as const

test('a table has aligned columns, three digits, and says what missed its goal', t => {
  t.is(
    table(figures),
    [
      'figure  value  unit        goal  met',
      'plain    1235  ms          –     –',
      'good    0.988  ×           ≤ 1   yes',
      'bad         9  requests/s  ≥ 10  NO',
    ].join('\n'),
  )
})

test('a JSON line has all six members, whether there is a goal or not', t => {
  const lines = figures.map(figure => JSON.parse(jsonLine('s', figure)))
  t.deepEqual(lines[0], { suite: 's', name: 'plain', value: 1234.5, unit: 'ms', goal: null, met: null })
  t.deepEqual(lines[2], { suite: 's', name: 'bad', value: 9, unit: 'requests/s', goal: '≥ 10', met: false })
})

test('a value that is no number meets no goal', t => {
  t.false(isMet({ name: '', value: Number.NaN, unit: '', goal: { atMost: 1 } }))
  t.false(isMet({ name: '', value: Number.NaN, unit: '', goal: { atLeast: 1 } }))
})

test('median', t => {
  t.is(median([3, 1, 2]), 2)
  t.is(median([4, 1, 3, 2]), 2.5)
  t.is(median([]), Number.NaN)
})

test('suites are found by listing the folder, and are named like their file', async t => {
  const suites = await findSuites(new URL('../../../bench/suites/', import.meta.url))
  t.true(suites.some(suite => suite.name === 'reconcile'))
})
