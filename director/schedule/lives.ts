import type { ServiceOptions } from '../registry/services.ts'
import type { RealServer } from '../registry/types.ts'

export type Phase = 'serving' | 'draining' | 'away'

export interface Life {
  readonly phase: Phase
  /** Clock milliseconds; minus infinity: since before this process began. */
  readonly since: number
}

/** The phase of life of each real server of one virtual service, by id. */
export type Lives = ReadonlyMap<string, Life>

/** The lives after a change of the real servers. Those of the first call (a restart of the director) count as old. */
export function live(before: Lives | undefined, realServers: readonly RealServer[], now: number): Lives {
  const next = new Map<string, Life>()
  for (const rs of realServers) {
    const phase = phaseOf(rs)
    const last = before?.get(rs.id)
    const since = before === undefined ? (phase === 'draining' ? now : Number.NEGATIVE_INFINITY) : now
    next.set(rs.id, last?.phase === phase ? last : { phase, since })
  }
  return next
}

export function phaseOf(rs: RealServer): Phase {
  if (rs.state === 'draining' || (rs.state === 'ready' && rs.weight === 0)) return 'draining'
  return rs.state === 'ready' && rs.barred === undefined ? 'serving' : 'away'
}

/** A slow start goes in twenty steps, to spare the switch hundreds of changes. */
export const RAMP_STEPS = 20
/** The least weight of a slow start: the first connections are what warms a real server up. */
export const LEAST_RAMP = 1 / RAMP_STEPS

/** How far the slow start (milliseconds; 0: none) of a serving real server has come, 0.05 to 1. */
export function ramp(life: Life | undefined, slowStartMs: number, now: number): number {
  if (life === undefined || slowStartMs <= 0) return 1
  return Math.min(1, Math.max(LEAST_RAMP, (now - life.since) / slowStartMs))
}

/** Clock milliseconds at which the passing of time next changes the result for these lives; infinity: never. */
export function nextStep(lives: Lives, { slowStart = 0, drainTimeout }: ServiceOptions, now: number): number {
  let next = Number.POSITIVE_INFINITY
  for (const { phase, since } of lives.values()) {
    if (phase === 'draining' && drainTimeout !== undefined) {
      const end = since + drainTimeout * 1000
      if (end > now) next = Math.min(next, end)
    } else if (phase === 'serving' && slowStart > 0) {
      const step = Math.max(1, Math.floor(RAMP_STEPS * ((now - since) / (slowStart * 1000)))) + 1
      if (step <= RAMP_STEPS) next = Math.min(next, since + (step / RAMP_STEPS) * slowStart * 1000)
    }
  }
  return next
}
