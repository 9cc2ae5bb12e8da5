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
  /** Stable over the life of a real server: dp_hash slots follow bucket ids. */
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

/** Flows that may be made only as one goes through them, the same each time: a hundred thousand need not be there at once. */
export interface FlowList extends Iterable<Flow> {
  readonly length: number
}

/** What the compiler wants the bridge to hold. Never mixed with what the switch reports: two types. */
export interface DesiredState {
  readonly flows: readonly Flow[]
  readonly groups: readonly Group[]
}

/** What the switch says that it holds, restricted to what is ours by cookie (flows) and id range (groups). */
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
  /** Same table, priority and match; other cookie or actions. Sent as an ADD, which replaces in place. */
  readonly replaceFlows: FlowList
  readonly deleteFlows: FlowList
  readonly deleteGroups: readonly number[]
}
