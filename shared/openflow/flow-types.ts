import type { Action, Match } from './types.ts'

/**
 * One OpenFlow rule as a compiler writes it. `cookie` names its owner and reason (see flows/cookie.ts);
 * an empty action list drops.
 */
export interface Flow {
  readonly table: number
  readonly priority: number
  readonly cookie: bigint
  readonly match: Match
  readonly actions: readonly Action[]
}

export interface Bucket {
  /** Constant over a real server's life, because dp_hash slots depend on bucket ids. */
  readonly id: number
  readonly weight: number
  readonly actions: readonly Action[]
}

/** A select group (OpenFlow 1.5 with Open vSwitch's selection methods, ovs-ofctl(8) "selection_method"). */
export interface Group {
  readonly id: number
  readonly type: 'select' | 'all' | 'indirect'
  readonly selectionMethod?: 'dp_hash' | 'hash'
  /** Fields that the hash covers, when selectionMethod is 'hash'. */
  readonly hashFields?: readonly string[]
  readonly buckets: readonly Bucket[]
}
