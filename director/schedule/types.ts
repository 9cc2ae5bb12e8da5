import type { Scheduler } from '../../shared/config/service.ts'

/** A real server that may get new connections. */
export interface Candidate {
  readonly id: string
  /** At least 1. */
  readonly weight: number
}

/**
 * How new connections are shared out: one relative share, above 0, per candidate, in the candidates' order.
 * One file an algorithm, listed in algorithms/index.ts.
 */
export type Algorithm = (candidates: readonly Candidate[]) => readonly number[]

export type Algorithms = Readonly<Record<Scheduler, Algorithm>>

/** The outcome for one real server. */
export interface Share {
  readonly id: string
  /** How many of the switch's hash slots lead to it, out of the sum over all shares. At least 1. */
  readonly slots: number
}
