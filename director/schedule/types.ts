import type { Scheduler } from '../../shared/config/service.ts'

/** A real server that may get new connections, and what it carries. */
export interface Candidate {
  readonly id: string
  /** Above 0; below its configured weight while it starts slowly. */
  readonly weight: number
  /** 0 to 1: how far its slow start has come. */
  readonly ramp: number
  /** New connections since the candidates or their weights changed last. */
  readonly opened: number
  readonly active: number
}

/**
 * How the next connections are shared out: one relative share, 0 or above, per candidate, in the candidates' order; one
 * of them at least is above 0. `expected` is how many connections will come before the switch is told anew, at least 1.
 * One file an algorithm, listed in algorithms/index.ts.
 */
export type Algorithm = (candidates: readonly Candidate[], expected: number) => readonly number[]

/** Chosen by weight in the switch, or by a hash of a header field. */
export type Hashed = Extract<Scheduler, 'sh' | 'dh' | 'mh'>
export type Shared = Exclude<Scheduler, Hashed>

/** The outcome for one real server. */
export interface Share {
  readonly id: string
  /** How many of the switch's hash slots lead to it, out of the sum over all shares. At least 1. */
  readonly slots: number
}
