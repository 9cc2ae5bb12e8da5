import type { Applied } from '../shared/apply/apply.ts'
import type { ServiceSpec, SpecProblem } from '../shared/config/service.ts'
import type { GoodFile } from '../shared/config/snapshot.ts'
import type { Reading } from '../shared/run/cell.ts'
import type { Documents } from './directors.ts'
import type { CheckPlan } from './health/plan.ts'
import type { Domain } from './inventory/types.ts'
import type { PortsSnapshot } from './ports/types.ts'
import type { RealServer, RealServerProblem } from './real-servers/types.ts'

/** What a pass came to. Its outlets read nothing of the pass but this, and what is gone (`Removals`). */
export interface Outcome {
  readonly specs: readonly ServiceSpec[]
  readonly specProblems: readonly SpecProblem[]
  readonly realServers: readonly RealServer[]
  /** Those that are new or another object since the last outcome; after a pass that failed, all. */
  readonly altered: readonly RealServer[]
  readonly realServerProblems: readonly RealServerProblem[]
  readonly checks: CheckPlan
  /** What it was made from. */
  readonly domains: readonly Domain[]
  readonly ports: PortsSnapshot
  readonly documents: Documents['byDirector']
  readonly files: readonly GoodFile[]
  /** All inputs have been in sync: what is not wanted may be taken away. */
  readonly sweep: boolean
  readonly hostMac: string
  /** A director has been heard of that asks for this host's connections: the switch keeps them. */
  readonly remembering: boolean
  readonly applied: Applied
  /** Compiled objects that the switch has confirmed, and whether it has confirmed all of them. */
  readonly confirmed: { has(object: string): boolean }
  readonly allConfirmed: boolean
  /** Why the flows are not confirmed, where that is known. */
  readonly flowsReason: string | undefined
  /** What keeps the pass from being complete: it is tried again. */
  readonly failure: { readonly error: unknown } | undefined
}

/** Before the first pass. */
export const NO_OUTCOME: Outcome = {
  specs: [],
  specProblems: [],
  realServers: [],
  altered: [],
  realServerProblems: [],
  checks: { wanted: false, checked: [], probes: new Map(), sources: {} },
  domains: [],
  ports: { synced: false, bridge: undefined, ports: [] },
  documents: new Map(),
  files: [],
  sweep: false,
  hostMac: '',
  remembering: false,
  applied: { added: 0, changed: 0, deleted: 0 },
  confirmed: { has: () => false },
  allConfirmed: false,
  flowsReason: undefined,
  failure: undefined,
}

/**
 * An outlet takes the newest outcome, where there is one already, with all real servers told as new to it, and then each as
 * it comes. Returns what ends that.
 */
export function takeOutcomes(outcome: Reading<Outcome>, take: (outcome: Outcome) => void): () => void {
  const now = outcome.get()
  if (now !== NO_OUTCOME) take({ ...now, altered: now.realServers })
  return outcome.subscribe(() => take(outcome.get()))
}
