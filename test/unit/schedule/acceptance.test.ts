import test from 'ava'
import fc from 'fast-check'
import {
  type Acceptance,
  type AcceptanceRules,
  type Accepted,
  barredBy,
  GRACE_MS,
  judge,
  waitOf,
} from '../../../director/schedule/acceptance.ts'

const TOLD: AcceptanceRules = { fall: 5, retryMs: undefined }
const ACTED: AcceptanceRules = { fall: 5, retryMs: 10_000 }

/** A real server with scripted counters, read once a second. */
function server(rules: AcceptanceRules, heard = true) {
  let at = 0
  let counted: Accepted = { opened: 0, accepted: 0, reset: 0 }
  let state = judge(undefined, { at, counted, heard }, rules)
  return {
    get state() {
      return state
    },
    /** Counts since the last reading. */
    read(opened: number, accepted = 0, reset = 0, ms = 1000): Acceptance {
      at += ms
      counted = {
        opened: counted.opened + opened,
        accepted: counted.accepted + accepted,
        reset: counted.reset + reset,
      }
      state = judge(state, { at, counted, heard }, rules)
      return state
    },
    restart() {
      at += 1000
      counted = { opened: 0, accepted: 0, reset: 0 }
      state = judge(state, { at, counted, heard }, rules)
      return state
    },
  }
}

test('who resets connections that he has not accepted is told at once', t => {
  const { read } = server(TOLD)
  t.is(read(20, 20).phase, 'accepting')
  t.like(read(4, 0, 4), { phase: 'accepting', unanswered: 4, refused: 4 })
  t.like(read(1, 0, 1), { phase: 'out', unanswered: 5, refused: 5 })
  t.deepEqual(read(2, 0, 2).interval, { ms: 1000, opened: 2, accepted: 0, refused: 2 })
})

test('who answers with nothing is told when the answers are late', t => {
  const { read } = server(TOLD)
  t.is(read(100).phase, 'accepting')
  t.is(read(100).phase, 'accepting')
  t.is(read(0).phase, 'out')
  t.is(read(1, 1).phase, 'accepting')
})

test('a few that nobody answers are noise, however long ago', t => {
  const { read } = server(TOLD)
  t.is(read(4).phase, 'accepting')
  t.is(read(0, 0, 0, 1_000_000).phase, 'accepting')
  t.is(read(1).phase, 'out')
})

test('a reset of an accepted connection is no refusal', t => {
  const { read } = server(TOLD)
  t.like(read(10, 10, 10), {
    phase: 'accepting',
    refused: 0,
    interval: { ms: 1000, opened: 10, accepted: 10, refused: 0 },
  })
  t.like(read(10, 11, 9), { phase: 'accepting', refused: 0 })
})

test('of a host that has told nothing at all nobody is judged', t => {
  const { read } = server(ACTED, false)
  for (let n = 0; n < 20; n++) t.is(read(100).phase, 'accepting')
})

test('counters that began anew are no connections', t => {
  const { read, restart } = server(TOLD)
  read(100, 100)
  t.like(restart(), { phase: 'accepting', unanswered: 0 })
  t.like(read(4, 0, 4), { phase: 'accepting', unanswered: 4 })
})

test('a trial after a while, one connection at a time, and twice as long a wait after each that fails', t => {
  const { read } = server(ACTED)
  t.is(barredBy(read(5, 0, 5)), 'out')
  for (let n = 0; n < 9; n++) t.is(barredBy(read(0)), 'out')
  t.is(barredBy(read(0)), 'trial')
  t.is(barredBy(read(0, 0, 0, 60_000)), 'trial')
  t.is(read(1).phase, 'tried')
  t.is(barredBy(read(0, 0, 1)), 'out')
  t.is(read(0, 0, 0, 19_000).phase, 'out')
  t.is(read(0, 0, 0, 1000).phase, 'trial')
  t.is(read(1).phase, 'tried')
  t.is(read(0, 0, 0, GRACE_MS).phase, 'out')
  t.is(read(0, 0, 0, 40_000).phase, 'trial')
  t.is(read(1, 1).phase, 'accepting')
  t.is(barredBy(read(0)), undefined)
})

test('an answer that comes late takes it back in', t => {
  const { read } = server(ACTED)
  t.is(read(5, 0, 5).phase, 'out')
  t.is(read(0, 1).phase, 'accepting')
})

test('falls are forgotten after a long time of accepting', t => {
  const { read } = server(ACTED)
  t.is(read(5, 0, 5).falls, 1)
  read(0, 1)
  t.is(read(5, 0, 5).falls, 2)
  read(0, 1)
  read(9, 9, 0, 200_000)
  t.is(read(5, 0, 5).falls, 1)
})

test('without the option any more a trial is none', t => {
  const { read, state } = server(ACTED)
  t.is(state.phase, 'accepting')
  read(5, 0, 5)
  const trial = read(0, 0, 0, 10_000)
  t.is(trial.phase, 'trial')
  t.is(judge(trial, { at: trial.at + 1000, counted: trial.counted, heard: true }, TOLD).phase, 'out')
})

test('the wait is never shorter than asked for, nor longer than five minutes where less was asked for', t => {
  t.deepEqual(
    [0, 1, 2, 3, 99].map(falls => waitOf(falls, 10_000)),
    [10_000, 10_000, 20_000, 40_000, 300_000],
  )
  t.is(waitOf(9, 600_000), 600_000)
})

const step = fc.record({
  opened: fc.nat(30),
  accepted: fc.nat(30),
  reset: fc.nat(30),
  ms: fc.integer({ min: 50, max: 20_000 }),
})

test('whoever accepted in a reading is in scheduling after it, and whoever is told of has accepted none of `fall`', t => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.boolean(), fc.boolean(), (steps, acts, heard) => {
      const { read, state: first } = server(acts ? ACTED : TOLD, heard)
      let last = first
      let run = 0
      for (const { opened, accepted, reset, ms } of steps) {
        const next = read(opened, accepted, reset, ms)
        run = accepted > 0 ? 0 : run + opened
        if (accepted > 0) t.is(barredBy(next), undefined)
        if (next.phase === 'out' && last.phase === 'accepting') t.true(run >= 5 && heard)
        if (!heard) t.is(next.phase, 'accepting')
        if (!acts) t.false(next.phase === 'trial' || next.phase === 'tried')
        t.true(next.refused <= next.unanswered)
        if (next.interval) t.true(next.interval.refused <= Math.max(0, next.interval.opened - next.interval.accepted))
        last = next
      }
    }),
  )
})

test('whoever answers all within the grace is never told of, whatever the rate', t => {
  fc.assert(
    fc.property(fc.array(fc.nat(1000), { minLength: 1, maxLength: 50 }), list => {
      const { read } = server(ACTED)
      let late = 0
      for (const opened of list) {
        t.is(read(opened, late, 0, GRACE_MS / 2).phase, 'accepting')
        late = opened
      }
    }),
  )
})
