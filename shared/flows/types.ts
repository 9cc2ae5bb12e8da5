import type { Action, Match } from '../openflow/types.ts'

/**
 * One OpenFlow rule as a compiler writes it. `cookie` names its owner and reason (see cookie.ts);
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

/**
 * Flows that may be made only while they are iterated, the same each time, so that a hundred thousand need not be in memory at
 * once.
 */
export interface FlowList extends Iterable<Flow> {
  readonly length: number
}

/** What the compiler wants the bridge to hold; a different type from what the switch reports. */
export interface DesiredState {
  readonly flows: readonly Flow[]
  readonly groups: readonly Group[]
}

/** What the switch reports, restricted to our own by cookie (flows) and id range (groups). */
export interface InstalledState {
  readonly flows: readonly InstalledFlow[]
  readonly groups: readonly InstalledGroup[]
}

export type InstalledFlow = Flow & { readonly installed: true }
export type InstalledGroup = Group & { readonly installed: true }

/**
 * The difference, in the order in which a bundle must carry it:
 * groups that flows will refer to first, groups that flows no longer refer to last.
 */
export interface Change {
  readonly addGroups: readonly Group[]
  readonly modifyGroups: readonly Group[]
  readonly addFlows: FlowList
  /** Flows with the same table, priority and match and another cookie or actions. An ADD replaces them in place. */
  readonly replaceFlows: FlowList
  readonly deleteFlows: FlowList
  readonly deleteGroups: readonly number[]
}
