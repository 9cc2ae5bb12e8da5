import test from 'ava'
import { farm } from './fixture.ts'
import { type Outcome, simulateLvs, simulateOurs } from './oracle/simulate.ts'
import { makeTrace } from './oracle/trace.ts'

// On the same arrivals as the kernel's own schedulers (oracle/lvs.ts). The switch goes by turns, with many connections it
// draws by hash, which the simulation takes as random; the director knows counters that are one tick old.

const equal = (n: number) => Array<number>(n).fill(1)
/** Active connections per unit of weight. */
const PER_WEIGHT = 100
const unequal = (n: number) => Array.from({ length: n }, (_, i) => 1 + (i % 4))

/** Worst ratio of the busiest real server's active connections per weight, over the seconds after the warm-up. */
function busiest(ours: Outcome, theirs: Outcome, weights: readonly number[], warmUp: number): number {
  const most = (sample: readonly number[]) => Math.max(...sample.map((n, i) => n / weights[i]!))
  return Math.max(...ours.samples.slice(warmUp).map((sample, i) => most(sample) / most(theirs.samples[i + warmUp]!)))
}

const FARMS = [
  ['3 equal', equal(3)],
  ['10 unequal', unequal(10)],
  ['200 equal', equal(200)],
  ['200 unequal', unequal(200)],
] as const
const ARRIVALS = [
  ['steady', 'uniform'],
  ['steady', 'heavy'],
  ['bursts', 'exponential'],
  ['bursts', 'heavy'],
] as const

const CASES = FARMS.flatMap(([farmName, weights]) =>
  ARRIVALS.map(([arrivals, durations]) => {
    const lasts = 20
    const rate = (weights.reduce((a, b) => a + b, 0) * PER_WEIGHT) / lasts
    const trace = makeTrace({ rate, seconds: 45, lasts, durations, bursty: arrivals === 'bursts', seed: 7 })
    return { farmName, weights, arrivals, durations, trace }
  }),
)

for (const scheduler of ['lc', 'wlc', 'sed', 'nq'] as const) {
  test(`${scheduler}: the busiest real server carries at most 1.15 of what it does under the kernel's`, t => {
    for (const { farmName, weights, arrivals, durations, trace } of CASES) {
      // lc ignores weights, so a comparison per weight is meaningless.
      if (scheduler === 'lc' && farmName.includes('unequal')) continue
      const options = { scheduler, realServers: farm(weights), trace }
      const worst = busiest(simulateOurs(options), simulateLvs(options), weights, 20)
      t.true(worst <= 1.15, `${farmName}, ${arrivals}, ${durations} durations: ${worst.toFixed(3)}`)
    }
  })
}

for (const [scheduler, weights] of [
  ['rr', equal(3)],
  ['rr', unequal(10)],
  ['wrr', unequal(10)],
  ['wrr', [1, 2, 3, 50]],
  ['rr', equal(200)],
] as const) {
  test(`${scheduler} over ${weights.length}: shares within a percentage point after 10,000 connections`, t => {
    for (const rate of [100, 2000]) {
      const trace = makeTrace({ rate, seconds: 10_000 / rate, lasts: 1, durations: 'exponential', seed: 3 })
      const options = { scheduler, realServers: farm(weights), trace }
      const ours = simulateOurs(options).opened
      const theirs = simulateLvs(options).opened
      const off = Math.max(...ours.map((n, i) => Math.abs(n - theirs[i]!) / 10_000))
      t.true(off <= 0.01, `${rate}/s: ${off}`)
    }
  })
}

for (const n of [2, 3, 5, 7, 10, 20, 30]) {
  test(`rr over ${n}: exactly even after 300 connections of a person with curl`, t => {
    for (let seed = 1; seed <= 20; seed++) {
      const trace = makeTrace({ rate: 100, seconds: 3, lasts: 0.01, durations: 'uniform', seed })
      const { opened } = simulateOurs({ scheduler: 'rr', realServers: farm(equal(n)), trace, tick: 0.05, seed })
      t.true(Math.max(...opened) - Math.min(...opened) <= 1, opened.join(' '))
    }
  })
}
