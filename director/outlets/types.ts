import type { Applied } from '../../shared/apply/apply.ts'
import type { Site } from '../compile/types.ts'
import type { Plan, Selection } from '../plan/plan.ts'

/** What a pass wants of the switch. */
export interface Intent {
  readonly site: Site
  readonly plan: Plan
  /** What may differ from the pass before; all of the plan when that has failed. */
  readonly altered: Selection
  /** The director was told to withdraw everything: the switch is to hold nothing of the plan. */
  readonly tornDown: boolean
}

/** What a pass has come to: the switch has confirmed it. */
export interface Outcome extends Intent {
  readonly applied: Applied
  readonly at: Date
}

/** Something beside the bridge's flows that goes by what a pass has come to. */
export interface Outlet<T> {
  /** Stands for it in the queue of removals: no two have the same. */
  readonly name: string
  /**
   * `gone`: services that are gone and that it has not taken yet. One that is back is among the altered instead. Throws:
   * the pass is made again, and what is gone is told again.
   */
  take(result: T, gone: Selection): void
}

/** What has to be in the switch, or in its database, before the flows of a pass are. */
export interface Companion {
  readonly name: string
  /** Rejects: the flows are applied all the same, and the pass is made again. */
  ensure?(change: CompanionChange): Promise<void>
  /** Takes it away again, when the director is told to withdraw everything. */
  withdraw?(): Promise<unknown>
}

/** When the director was torn down, all services are gone. */
export interface CompanionChange {
  readonly altered: Selection['compiled']
  readonly gone: Selection['compiled']
}
