import { apportion, SLOTS } from './apportion.ts'
import { gcd } from './gcd.ts'
import { RAMP_STEPS } from './lives.ts'
import type { Candidate, Shared } from './types.ts'

/** The order in which real servers get the next connections; after the last it continues at `again`, for ever. */
export interface Turns {
  /** Ids of real servers. */
  readonly order: readonly string[]
  readonly again: number
  /** Tells this order from an equal one of which turns have been taken since; 0 where this does not matter. */
  readonly after: number
}

/** Most turns before `again`: unequal loads are evened out in steps of so many. */
const MOST_CORRECTIONS = 64
/** As many turns as the switch can tell apart (compile/features/turn.ts). */
const MOST_TURNS = 4000

/**
 * The order in which LVS would give out connections if none ended. For rr and wrr it is fixed (ip_vs_rr.c, ip_vs_wrr.c). For lc,
 * wlc, sed and nq, real servers that lack more than one round of turns are filled up first; then the order goes round, as in LVS
 * from equal loads. Returns undefined where the weights would make the round too long.
 */
export function turns(scheduler: Shared, candidates: readonly Candidate[]): Turns | undefined {
  const parts = wholeParts(candidates.map(({ weight, ramp }) => [byWeight(scheduler) ? weight / ramp : 1, ramp]))
  if (parts === undefined) return undefined
  const ids = (order: readonly number[]) => order.map(i => candidates[i]!.id)
  if (scheduler === 'rr' || scheduler === 'wrr') return { order: ids(levels(parts)), again: 0, after: 0 }

  const have = candidates.map(({ active }) => Math.round(active))
  const next = chooser(scheduler, parts, have)
  const order: number[] = []
  const fillTo = (level: number, most: number) => {
    let left = have.reduce((sum, n, i) => sum + level * parts[i]! - n, 0)
    for (; left > 0 && order.length < most; left--) order.push(next())
  }
  // When all are idle, the first round of nq differs from the following ones.
  const first = scheduler === 'nq' && have.every(n => n === 0)
  const level = first ? 1 : Math.ceil(Math.max(...have.map((n, i) => n / parts[i]!)))
  if (first || have.some((n, i) => n < (level - 1) * parts[i]!)) fillTo(level, first ? MOST_TURNS : MOST_CORRECTIONS)
  const again = order.length
  for (const i of have.keys()) have[i] = level * parts[i]!
  fillTo(level + 1, Number.POSITIVE_INFINITY)
  const opened = candidates.reduce((all, candidate) => all + candidate.opened, 0)
  return { order: ids(order), again, after: again > 0 ? opened : 0 }
}

function byWeight(scheduler: Shared): boolean {
  return scheduler !== 'rr' && scheduler !== 'lc'
}

/** The smallest whole numbers in proportion to weight × ramp; rounded where their sum would be too great. */
function wholeParts(weights: readonly (readonly [weight: number, ramp: number])[]): readonly number[] | undefined {
  const ramping = weights.some(([, ramp]) => ramp < 1)
  const whole = weights.map(([weight, ramp]) =>
    ramping ? Math.round(weight) * Math.max(1, Math.floor(RAMP_STEPS * ramp)) : Math.round(weight),
  )
  const unit = whole.reduce(gcd, 0)
  const parts = whole.map(weight => weight / unit)
  if (sum(parts) <= SLOTS) return parts
  if (parts.length <= SLOTS) return apportion(whole)
  return sum(parts) === parts.length && parts.length <= MOST_TURNS - MOST_CORRECTIONS ? parts : undefined
}

/**
 * The order of wrr (ip_vs_wrr_schedule): each round takes the ones whose weight is at least the level, and the level then
 * decreases by one.
 */
function levels(parts: readonly number[]): number[] {
  const order: number[] = []
  for (let level = Math.max(...parts); level > 0; level--) {
    for (const [i, part] of parts.entries()) if (part >= level) order.push(i)
  }
  return order
}

/** Makes one choice after the other and counts each in `have`. The first of equals wins, as in the kernel. */
function chooser(scheduler: Shared, parts: readonly number[], have: number[]): () => number {
  const ahead = scheduler === 'sed' || scheduler === 'nq' ? 1 : 0
  return () => {
    let best = scheduler === 'nq' ? have.indexOf(0) : -1
    if (best < 0) {
      best = 0
      for (let i = 1; i < parts.length; i++) {
        if ((have[best]! + ahead) * parts[i]! > (have[i]! + ahead) * parts[best]!) best = i
      }
    }
    have[best]!++
    return best
  }
}

const sum = (list: readonly number[]) => list.reduce((a, b) => a + b, 0)
