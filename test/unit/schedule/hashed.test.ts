import test from 'ava'
import type { RealServer } from '../../../director/registry/types.ts'
import { copies } from '../../../director/schedule/hashed.ts'
import { schedule } from '../../../director/schedule/schedule.ts'
import { farm } from './fixture.ts'
import { hash, lvs } from './oracle/lvs.ts'

const CLIENTS = Array.from({ length: 20_000 }, (_, n) => (hash(n, 99) >>> 0) % 2 ** 31)

/**
 * Chooses as Open vSwitch does with a `hash` group: the bucket with the highest hash of its id and the field
 * (ofproto-dpif-xlate.c).
 */
function choose(scheduler: 'sh' | 'mh', realServers: readonly RealServer[]): (client: number) => string {
  const { shares, hashField } = schedule({ scheduler, realServers, options: {} })
  if (hashField !== 'src') throw new Error(String(hashField))
  const number = (id: string) => Number(id.slice(3)) + 1
  const buckets = shares.flatMap(({ id, slots }) =>
    Array.from({ length: slots }, (_, copy) => ({ id, bucket: number(id) + copy * 0x100_0000 })),
  )
  return client => {
    let best = buckets[0]!
    let score = -1
    for (const candidate of buckets) {
      const now = hash(candidate.bucket ^ client, 7)
      if (now > score) [best, score] = [candidate, now]
    }
    return best.id
  }
}

for (const n of [3, 10, 50]) {
  test(`mh over ${n}: one that leaves or joins moves at most 1 % more than its own clients`, t => {
    const all = farm(Array<number>(n).fill(1))
    const before = choose('mh', all)
    const gone = all[1]!
    const after = choose('mh', all.with(1, { ...gone, state: 'down' }))
    const moved = CLIENTS.filter(client => before(client) !== after(client)).length
    const own = CLIENTS.filter(client => before(client) === gone.id).length
    t.true(moved - own <= 0.01 * CLIENTS.length, `${moved} moved, ${own} had to`)
    t.true(Math.abs(own / CLIENTS.length - 1 / n) < 0.02)
    // The kernel's Maglev table, for comparison: it moves some clients without need.
    const kernel = lvs('mh', Array<number>(n).fill(1))
    const kernelAfter = lvs('mh', Array<number>(n - 1).fill(1))
    const theirs = CLIENTS.filter(
      client => kernel([], client) < n - 1 && kernel([], client) !== kernelAfter([], client),
    )
    t.true(moved - own <= theirs.length)
  })
}

test('sh keeps a client on its server, whoever else comes', t => {
  const before = choose('sh', farm([1, 1, 1]))
  const after = choose('sh', farm([1, 1, 1, 1]))
  for (const client of CLIENTS) if (after(client) !== 'rs-003') t.is(after(client), before(client))
})

test('weights are numbers of buckets, on a scale that does not hang on who is there', t => {
  t.deepEqual(copies([1, 2, 4]), [1, 2, 4])
  t.deepEqual(copies([10, 30]), [1, 3])
  t.deepEqual(copies([1, 65535]), [1, 16])
  t.deepEqual(copies([10], [10, 30, 20]), [1])
  const chosen = choose('mh', farm([1, 3]))
  const heavy = CLIENTS.filter(client => chosen(client) === 'rs-001').length
  t.true(Math.abs(heavy / CLIENTS.length - 0.75) < 0.02, `${heavy}`)
})
