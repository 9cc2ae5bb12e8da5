import type { Applied } from '../../shared/apply/apply.ts'
import type { Site } from '../compile/types.ts'
import type { Plan, Selection } from '../plan/plan.ts'

/** What a pass wants the switch to hold. */
export interface Intent {
  readonly site: Site
  readonly plan: Plan
  /** What may differ from the last pass; the whole plan when that pass has failed. */
  readonly altered: Selection
  /** An operator has told the director to withdraw everything: the switch must hold nothing of the plan. */
  readonly tornDown: boolean
}

/** The result of a pass that the switch has confirmed. */
export interface Outcome extends Intent {
  readonly applied: Applied
  readonly at: Date
  /** Some services are left for another pass. */
  readonly more: boolean
}

/** Something that must be in the switch or in its database before the flows of a pass. */
export interface Companion {
  readonly name: string
  /** When it rejects, the flows are applied all the same, and the pass is repeated. */
  ensure?(change: CompanionChange): Promise<void>
  /** Removes it when the director is told to withdraw everything. */
  withdraw?(): Promise<unknown>
}

/** After a teardown, all services are gone. */
export interface CompanionChange {
  readonly altered: Selection['compiled']
  readonly gone: Selection['compiled']
}
