import type { Applied } from '../shared/apply/apply.ts'
import type { ServiceSpec, SpecProblem } from '../shared/config/service.ts'
import type { GoodFile } from '../shared/config/snapshot.ts'
import type { VipClaim } from './authority/types.ts'
import type { Directors, Documents } from './directors.ts'
import type { GuestTarget } from './guest/types.ts'
import type { CheckPlan } from './health/plan.ts'
import type { Inventory } from './inventory/types.ts'
import type { PortsSnapshot } from './ports/types.ts'
import type { RealServer, RealServerProblem } from './real-servers/types.ts'
import type { RefusedDocument } from './report/types.ts'

/** The result of a pass. Outlets read nothing of the pass but the outcome and the removed real servers (`Removals`). */
export interface Outcome {
  readonly specs: readonly ServiceSpec[]
  readonly specProblems: readonly SpecProblem[]
  /** The services as files and documents have them. */
  readonly inForce: readonly ServiceSpec[]
  readonly realServers: readonly RealServer[]
  /** Real servers that are new or another object since the last outcome; after a failed pass, all. */
  readonly altered: readonly RealServer[]
  readonly realServerProblems: readonly RealServerProblem[]
  readonly checks: CheckPlan
  /** What it was made from. */
  readonly inventory: Inventory
  readonly ports: PortsSnapshot
  readonly directors: Directors
  readonly documents: Documents['byDirector']
  /** Whose version is in force of services that directors disagree on. */
  readonly contested: Readonly<Record<string, string>>
  readonly files: readonly GoodFile[]
  /** VMs' own addresses by `uuid/mac`. */
  readonly ownAddresses: ReadonlyMap<string, string>
  /** Own addresses with their prefix lengths, by `uuid/mac`. */
  readonly vmAddresses: ReadonlyMap<string, readonly string[]>
  /** VIPs whose guards no VM's word lifts. */
  readonly guardedVips: ReadonlySet<string>
  /** VIPs that VMs call their own address. */
  readonly vipClaims: readonly VipClaim[]
  /** VMs that are to tell their addresses; the same list while nothing changes. */
  readonly asked: readonly GuestTarget[]
  /** Documents of directors that are refused here, or wait. */
  readonly refused: readonly RefusedDocument[]
  /** All inputs have been in sync: what is not wanted may be taken away. */
  readonly sweep: boolean
  readonly hostMac: string
  /** A director is known that asks for this host's connections, so the switch keeps them. */
  readonly remembering: boolean
  readonly applied: Applied
  /** Compiled objects that the switch has confirmed, and whether it has confirmed all. */
  readonly confirmed: { has(object: string): boolean }
  readonly allConfirmed: boolean
  /** Why the flows are not confirmed, where the reason is known. */
  readonly flowsReason: string | undefined
  /** Why the pass is not complete; the loop tries again. */
  readonly failure: { readonly error: unknown } | undefined
}

/** The outcome before the first pass. */
export const NO_OUTCOME: Outcome = {
  specs: [],
  specProblems: [],
  inForce: [],
  realServers: [],
  altered: [],
  realServerProblems: [],
  checks: { wanted: false, checked: [], probes: new Map(), sources: {} },
  inventory: { synced: false, domains: [] },
  ports: { synced: false, bridge: undefined, ports: [] },
  directors: { active: undefined, all: new Map() },
  documents: new Map(),
  contested: {},
  files: [],
  ownAddresses: new Map(),
  vmAddresses: new Map(),
  guardedVips: new Set(),
  vipClaims: [],
  asked: [],
  refused: [],
  sweep: false,
  hostMac: '',
  remembering: false,
  applied: { added: 0, changed: 0, deleted: 0 },
  confirmed: { has: () => false },
  allConfirmed: false,
  flowsReason: undefined,
  failure: undefined,
}
