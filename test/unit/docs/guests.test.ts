import { readFileSync } from 'node:fs'
import path from 'node:path'
import test from 'ava'
import { OWNERS } from '../../../agent/guest/owners/all.ts'
import { root } from '../../lab/paths.ts'

const page = readFileSync(path.join(root, 'docs/guests.md'), 'utf8')

test('docs/guests.md has a row for every network manager, in the order in which they are asked', t => {
  const rows = [...page.matchAll(/^\| ([^|]+) \|/gm)].map(([, first]) => first!)
  const places = OWNERS.map(({ name }) => rows.findIndex(row => row.startsWith(name)))
  t.false(places.includes(-1), OWNERS[places.indexOf(-1)]?.name)
  t.deepEqual(
    places,
    places.toSorted((a, b) => a - b),
  )
})
