import type { Scheduler } from '../../shared/config/service.ts'

/** A real server that may get new connections, and its load. */
export interface Candidate {
  readonly id: string
  /** Above 0; below the configured weight during a slow start. */
  readonly weight: number
  /** 0 to 1: how far its slow start has come. */
  readonly ramp: number
  /** New connections since the candidates or their weights last changed. */
  readonly opened: number
  readonly active: number
}

/**
 * How the next connections are shared out: one relative share, 0 or above, per candidate, in the candidates' order; at least one
 * is above 0. `expected`: how many connections will come before the shares change again, at least 1. One file per algorithm,
 * listed in algorithms/index.ts.
 */
export type Algorithm = (candidates: readonly Candidate[], expected: number) => readonly number[]

/** Algorithms that choose by a hash of a header field. */
export type Hashed = Extract<Scheduler, 'sh' | 'dh' | 'mh'>
export type Shared = Exclude<Scheduler, Hashed>

/** The share of one real server. */
export interface Share {
  readonly id: string
  /** Number of the switch's hash slots that lead to it, of the sum over all shares. At least 1. */
  readonly slots: number
}
