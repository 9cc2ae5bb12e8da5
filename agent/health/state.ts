import type { Traffic } from './types.ts'

/** A check's thresholds and times, in milliseconds. */
export interface Rules {
  readonly interval: number
  readonly retryInterval: number
  readonly rise: number
  readonly fall: number
  readonly hold: number
  readonly passive: 'off' | 'warn' | 'down'
}

/** The health of one real server. Never changed in place; times are the clock's milliseconds. */
export interface HealthState {
  readonly verdict: 'unknown' | 'up' | 'down'
  /** The last result, and how many equal results there were in a row. */
  readonly last: 'good' | 'bad' | undefined
  readonly streak: number
  /** Observation windows in a row in which clients sent packets and none came back. */
  readonly silent: number
  /** How often it went down without having been up for STABLE_MS in between. */
  readonly falls: number
  readonly upSince: number
  /** It stays down until this time, whatever its results. */
  readonly heldUntil: number
}

/** A real server that has been up for so long is stable: its earlier falls are forgotten. */
export const STABLE_MS = 10 * 60_000
/** From the next fall after these, a real server counts as flapping. */
const FREE_FALLS = 2
const LONGEST_HOLD = 5 * 60_000
/** Fewer request packets than this in one window prove nothing. */
export const TELLING_PACKETS = 3

export function newHealth(presumedUp: boolean): HealthState {
  const verdict = presumedUp ? 'up' : 'unknown'
  return { verdict, last: undefined, streak: 0, silent: 0, falls: 0, upSince: 0, heldUntil: 0 }
}

/** Applies the result of one check: `rise` good results in a row bring it up, `fall` bad ones in a row take it down. */
export function onResult(state: HealthState, good: boolean, rules: Rules, now: number): HealthState {
  const last = good ? 'good' : 'bad'
  const streak = state.last === last ? state.streak + 1 : 1
  const next = { ...state, last, streak } as const
  if (good) {
    if (state.verdict === 'up' || streak < rules.rise || now < state.heldUntil) return next
    return { ...next, verdict: 'up', silent: 0, upSince: now }
  }
  return state.verdict === 'up' && streak >= rules.fall ? fall(next, rules, now) : next
}

/**
 * Applies one observation window of the clients' packets. A window without requests says nothing. After `fall` windows in a row
 * with requests and without any reply, the real server is silent. With `passive: down` it then goes down, even while its checks
 * succeed.
 */
export function onTraffic(state: HealthState, window: Traffic, rules: Rules, now: number): HealthState {
  if (state.verdict !== 'up') return state
  if (window.replies > 0) return state.silent === 0 ? state : { ...state, silent: 0 }
  if (window.requests < TELLING_PACKETS) return state
  const silent = state.silent + 1
  // Its checks have to succeed again from the start.
  if (rules.passive === 'down' && silent >= rules.fall)
    return fall({ ...state, silent, last: undefined, streak: 0 }, rules, now)
  return { ...state, silent }
}

/**
 * Flap damping: from the third fall on, without STABLE_MS of being up in between, it stays down for at least `hold`. The time
 * doubles with each further fall, up to LONGEST_HOLD.
 */
function fall(state: HealthState, { hold: first }: Rules, now: number): HealthState {
  const falls = now - state.upSince >= STABLE_MS ? 1 : state.falls + 1
  const extra = falls - FREE_FALLS
  const hold = extra > 0 ? Math.min(Math.max(LONGEST_HOLD, first), first * 2 ** (extra - 1)) : 0
  return { ...state, verdict: 'down', silent: 0, falls, heldUntil: now + hold }
}

/** Its clients have sent packets for so many windows, and none has come back. */
export function isSilent(state: HealthState, rules: Rules): boolean {
  return state.silent >= rules.fall
}

/** Milliseconds between the starts of two checks; shorter while the results disagree with the verdict. */
export function pause(state: HealthState, rules: Rules): number {
  const agrees = state.verdict === 'up' ? state.last === 'good' : state.verdict === 'down' && state.last === 'bad'
  return agrees ? rules.interval : Math.min(rules.interval, rules.retryInterval)
}

/** True while only flap damping keeps it down. */
export function held(state: HealthState, rules: Rules, now: number): boolean {
  return state.verdict === 'down' && state.last === 'good' && state.streak >= rules.rise && now < state.heldUntil
}
