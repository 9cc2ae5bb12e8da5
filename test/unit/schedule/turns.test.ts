import test from 'ava'
import fc from 'fast-check'
import { observe } from '../../../director/schedule/load.ts'
import { schedule } from '../../../director/schedule/schedule.ts'
import { type Turns, turns } from '../../../director/schedule/turns.ts'
import type { Candidate, Shared } from '../../../director/schedule/types.ts'
import { farm } from './fixture.ts'
import { lvs } from './oracle/lvs.ts'

const candidates = (
  weights: readonly number[],
  active: readonly number[] = [],
  ramps: readonly number[] = [],
  opened = 0,
) =>
  weights.map((weight, i): Candidate => {
    const ramp = ramps[i] ?? 1
    return { id: String(i), weight: weight * ramp, ramp, opened, active: active[i] ?? 0 }
  })

/** Indices of the real servers that get the next `count` connections. */
function follow({ order, again }: Turns, count: number): number[] {
  let at = 0
  return Array.from({ length: count }, () => {
    const id = order[at]
    at = at + 1 < order.length ? at + 1 : again
    return Number(id)
  })
}

const farms = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 12 })

for (const scheduler of ['rr', 'wrr', 'lc', 'wlc', 'sed', 'nq'] as const) {
  test(`${scheduler}: while no connection ends, each goes where the kernel's scheduler sends it`, t => {
    fc.assert(
      fc.property(farms, weights => {
        const oracle = lvs(scheduler, weights)
        const conns = weights.map(() => 0)
        const theirs = Array.from({ length: 200 }, () => {
          const chosen = oracle(conns, 0)
          conns[chosen]!++
          return chosen
        })
        t.deepEqual(follow(turns(scheduler, candidates(weights))!, 200), theirs)
      }),
    )
  })
}

for (const scheduler of ['lc', 'wlc', 'sed', 'nq'] as const) {
  test(`${scheduler}: connections end, and while somebody lacks more than a round, nobody gets above the level`, t => {
    fc.assert(
      fc.property(farms, fc.array(fc.nat(), { minLength: 50, maxLength: 200 }), (weights, draws) => {
        const active = weights.map(() => 0)
        const per = (i: number) => (scheduler === 'lc' ? 1 : weights[i]!)
        let inForce: Turns | undefined
        let queue: number[] = []
        for (const [opened, draw] of draws.entries()) {
          const next = turns(scheduler, candidates(weights, active, [], opened))!
          if (JSON.stringify(next) !== JSON.stringify(inForce)) queue = follow(next, 500)
          inForce = next
          const chosen = queue.shift()!
          const level = Math.ceil(Math.max(...active.map((n, i) => n / per(i))))
          const behind = active.some((n, i) => n < (level - 1) * per(i))
          if (behind) t.true(active[chosen]! + 1 <= level * per(chosen), `${weights}: ${active}`)
          active[chosen]!++
          const ends = draw % weights.length
          if (draw % 3 === 0 && active[ends]! > 0) active[ends]!--
        }
      }),
    )
  })
}

test('who lacks more than a round is filled up first, then all go round; who lacks less is left to its turn', t => {
  const lc = (active: readonly number[]) => turns('lc', candidates([1, 1, 1], active))!
  t.deepEqual(lc([3, 3, 3]), { order: ['0', '1', '2'], again: 0, after: 0 })
  t.deepEqual(lc([2, 3, 3]), { order: ['0', '1', '2'], again: 0, after: 0 })
  t.deepEqual(lc([1, 3, 2]), { order: ['0', '0', '2', '0', '1', '2'], again: 3, after: 0 })
  const { order, again } = lc([1000, 0, 0])
  t.is(again, 64, 'a piece at a time')
  t.deepEqual(order.slice(64), ['0', '1', '2'])
})

test('weights are as short a round as can be; a slow start is a small part of it', t => {
  t.is(turns('wrr', candidates([100, 200]))?.order.length, 3)
  t.is(turns('wrr', candidates([65_535, 1, 77]))?.order.length, 256)
  t.is(turns('rr', candidates(Array(1000).fill(1)))?.order.length, 1000)
  t.is(turns('wrr', candidates([...Array(300).fill(2), 3])), undefined)
  const { order } = turns('rr', candidates([5, 5], [], [1, 0.05]))!
  t.is(order.length, 21)
  t.is(order.filter(id => id === '1').length, 1)
})

test('a few hundred connections at once are given out by turns, thousands by shares until half a minute later', t => {
  const realServers = farm([1, 1])
  const service = { scheduler: 'rr' as Shared, realServers, options: {} }
  const servers = new Map(realServers.map(rs => [rs.id, undefined]))
  let opened = 0
  let at = 0
  let load = observe(undefined, { at, epoch: '', counters: new Map(), servers })
  const came = (count: number, later = 100) => {
    opened += count
    const counters = new Map([[realServers[0]!.id, { opened, ended: opened }]])
    at += later
    load = observe(load, { at, epoch: '', counters, servers })
    return schedule(service, { now: at, load }).turns !== undefined
  }
  t.true(came(900))
  t.false(came(500))
  t.false(came(100))
  for (let i = 0; i < 10; i++) t.false(came(50))
  t.false(came(0, 20_000))
  t.false(came(900, 1000))
  t.false(came(500))
  t.false(came(0, 29_000))
  t.true(came(5, 1500))
})
