import type { RealServer } from '../registry/types.ts'

export type Phase = 'serving' | 'draining' | 'away'

export interface Life {
  readonly phase: Phase
  /** Clock milliseconds; minus infinity: since before this process began. */
  readonly since: number
}

/** Where the real servers of one virtual service are in their lives, by id. */
export type Lives = ReadonlyMap<string, Life>

/** After a change of the real servers. What is there at the first look (a restart of the director) has been so for long. */
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
  return rs.state === 'ready' ? 'serving' : 'away'
}

/** Nothing is as slow as to get nothing: its first connections are what warms it up. */
const LEAST_RAMP = 0.05

/** How far the slow start (milliseconds; 0: none) of a serving real server has come, 0.05 to 1. */
export function ramp(life: Life | undefined, slowStartMs: number, now: number): number {
  if (life === undefined || slowStartMs <= 0) return 1
  return Math.min(1, Math.max(LEAST_RAMP, (now - life.since) / slowStartMs))
}
