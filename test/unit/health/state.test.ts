import test from 'ava'
import fc from 'fast-check'
import {
  type HealthState,
  held,
  isSilent,
  newHealth,
  onResult,
  onTraffic,
  pause,
  type Rules,
  STABLE_MS,
} from '../../../agent/health/state.ts'

const rules: Rules = { interval: 2000, retryInterval: 500, rise: 2, fall: 3, hold: 15_000, passive: 'down' }

/** Results in order, `+` good and `-` bad, a second apart; the verdict after each. */
function verdicts(results: string, { rules: own = rules, from = newHealth(false), at = 0 } = {}) {
  let state: HealthState = from
  const seen: string[] = []
  for (const [i, result] of [...results].entries()) {
    state = onResult(state, result === '+', own, at + i * 1000)
    seen.push(state.verdict)
  }
  return { state, seen }
}

test('it takes `rise` successes in a row to come up and `fall` failures in a row to go down', t => {
  t.deepEqual(verdicts('+-++').seen, ['unknown', 'unknown', 'unknown', 'up'])
  t.deepEqual(verdicts('++--+---+++').seen.slice(1), [
    ...['up', 'up', 'up', 'up', 'up', 'up', 'down', 'down', 'up', 'up'],
  ])
})

test('what served before it was checked counts as up until its checks say otherwise', t => {
  t.deepEqual(verdicts('---', { from: newHealth(true) }).seen, ['up', 'up', 'down'])
})

test('the first checks, and those after a surprise, come sooner', t => {
  t.is(pause(newHealth(false), rules), 500)
  t.is(pause(verdicts('++').state, rules), 2000)
  t.is(pause(verdicts('++-').state, rules), 500)
  t.is(pause(verdicts('++---').state, rules), 2000)
  t.is(pause(verdicts('++---+').state, rules), 500)
  t.is(pause(newHealth(false), { ...rules, retryInterval: 60_000 }), 2000)
})

test('from the third fall on it is held back, longer each time, until it has been stable for ten minutes', t => {
  let { state } = verdicts('++')
  const holds: number[] = []
  let now = 0
  for (let i = 0; i < 9; i++) {
    now = Math.max(now + 1000, state.heldUntil)
    state = verdicts('++---', { from: state, at: now }).state
    now += 4000
    t.is(state.verdict, 'down')
    holds.push(Math.max(0, state.heldUntil - now) / 1000)
  }
  t.deepEqual(holds, [0, 0, 15, 30, 60, 120, 240, 300, 300])
  const back = verdicts('++', { from: state, at: now + 1000 })
  t.is(back.state.verdict, 'down')
  t.true(held(back.state, rules, now + 2000))
  const stable = verdicts('++', { from: state, at: state.heldUntil }).state
  t.is(verdicts('---', { from: stable, at: stable.upSince + STABLE_MS }).state.falls, 1)
  t.is(verdicts('---', { from: stable, at: stable.upSince + STABLE_MS - 5000 }).state.falls, state.falls + 1)
})

test('requests without replies: `fall` windows in a row, and only where something was sent', t => {
  const silent = { requests: 10, replies: 0 }
  let { state } = verdicts('++')
  for (const window of [silent, silent, { requests: 10, replies: 1 }, silent, { requests: 0, replies: 0 }, silent])
    state = onTraffic(state, window, rules, 0)
  t.is(state.verdict, 'up')
  t.is(onTraffic(state, { requests: 2, replies: 0 }, rules, 0).verdict, 'up')
  t.is(onTraffic(state, silent, rules, 0).verdict, 'down')
  const warned = onTraffic(state, silent, { ...rules, passive: 'warn' }, 0)
  t.is(warned.verdict, 'up')
  t.true(isSilent(warned, rules))
})

test('any history: up needs `rise` good results before it, down needs `fall` bad ones, and nothing rises while held', t => {
  const anyRules = fc.record({ rise: fc.integer({ min: 1, max: 4 }), fall: fc.integer({ min: 1, max: 4 }) })
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 80 }), anyRules, (results, own) => {
      const mine = { ...rules, ...own }
      let state = newHealth(false)
      for (const [i, good] of results.entries()) {
        const before = state
        state = onResult(state, good, mine, i * 1000)
        const tail = (n: number) => results.slice(Math.max(0, i - n + 1), i + 1)
        if (before.verdict !== 'up' && state.verdict === 'up') {
          if (tail(mine.rise).length < mine.rise || !tail(mine.rise).every(Boolean)) return false
          if (i * 1000 < before.heldUntil) return false
        }
        if (before.verdict === 'up' && state.verdict === 'down' && (tail(mine.fall).some(Boolean) || good)) return false
        if (before.verdict === 'up' && state.verdict === 'up' && tail(mine.fall).length === mine.fall)
          if (!tail(mine.fall).some(Boolean)) return false
      }
      return true
    }),
  )
  t.pass()
})
