import test from 'ava'
import {
  applyDifference,
  type Column,
  decode,
  encode,
  map,
  optional,
  scalar,
  set,
} from '../../../shared/ovsdb/values.ts'

const ID = '8f767797-82cb-49ec-972d-8826a81b85ec'

// As ovsdb-server writes them (vectors.jsonl), and the other spelling of a set of one, RFC 7047 section 5.1.
const VALUES: readonly [Column, unknown, unknown][] = [
  [scalar('string'), 'br0', 'br0'],
  [scalar('uuid'), ['uuid', ID], ID],
  [optional('integer'), ['set', []], undefined],
  [optional('integer'), 7, 7],
  [optional('integer'), ['set', [7]], 7],
  [set('integer'), ['set', [1, 2, 3]], new Set([1, 2, 3])],
  [set('uuid'), ['uuid', ID], new Set([ID])],
  [set('uuid'), ['set', [['uuid', ID]]], new Set([ID])],
  [map('string', 'string'), ['map', [['a', 'b']]], new Map([['a', 'b']])],
  [map('integer', 'uuid'), ['map', [[1, ['uuid', ID]]]], new Map([[1, ID]])],
  [scalar('boolean'), true, true],
  [scalar('real'), 1.5, 1.5],
]

test('values decode, and what is encoded decodes to the same', t => {
  for (const [column, json, value] of VALUES) {
    t.deepEqual(decode(column, json), value)
    t.deepEqual(decode(column, encode(column, value)), value)
  }
})

test('values of another type than the column are refused', t => {
  const bad: readonly [Column, unknown][] = [
    [scalar('string'), 1],
    [scalar('string'), ['set', []]],
    [scalar('integer'), 1.5],
    [scalar('integer'), '1'],
    [scalar('boolean'), 0],
    [scalar('uuid'), ID],
    [scalar('uuid'), ['uuid', 'nonsense']],
    [scalar('uuid'), ['named-uuid', 'x']],
    [scalar('uuid'), ['uuid', { toString: 1 }]],
    [scalar('uuid'), ['uuid', [ID]]],
    [optional('integer'), ['set', [1, 2]]],
    [optional('integer'), null],
    [set('integer'), ['set', 1]],
    [set('integer'), ['set', [1], 2]],
    [map('string', 'string'), ['map', [['a']]]],
    [map('string', 'string'), ['map', {}]],
    [map('string', 'string'), 'a'],
    [map('string', 'integer'), ['map', [['a', 'b']]]],
  ]
  for (const [column, json] of bad) t.throws(() => decode(column, json), { code: 'OVSDB_PROTOCOL' })
})

test('modify is a difference on sets and maps, a value elsewhere, and leaves the old value alone', t => {
  const trunks = new Set([1, 2, 3])
  t.deepEqual(applyDifference(set('integer'), trunks, ['set', [2, 4094]]), new Set([1, 3, 4094]))
  t.deepEqual(trunks, new Set([1, 2, 3]))
  const ids = new Map(Object.entries({ same: '1', other: '2', kept: '3' }))
  const difference = [
    'map',
    [
      ['same', '1'],
      ['other', 'x'],
      ['more', '4'],
    ],
  ]
  t.deepEqual(
    applyDifference(map('string', 'string'), ids, difference),
    new Map(Object.entries({ other: 'x', kept: '3', more: '4' })),
  )
  t.is(ids.size, 3)
  t.is(applyDifference(optional('integer'), 7, 8), 8)
  t.is(applyDifference(optional('integer'), 7, ['set', []]), undefined)
})
