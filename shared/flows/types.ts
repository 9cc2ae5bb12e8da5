import type { Flow, Group } from '../openflow/flow-types.ts'

export type { Bucket, Flow, Group } from '../openflow/flow-types.ts'

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
