import type { CertificateState } from '../shared/identity/keeper.ts'
import type { OvsdbClient } from '../shared/ovsdb/connection.ts'
import type { TunnelPortKeeper } from '../shared/ovsdb/keep-tunnel-port.ts'
import type { Problem } from '../shared/rpc/gen/crossport/v1/Problem.ts'
import { type Cell, createCell, createTopic, type Reading, type Topic } from '../shared/run/cell.ts'
import type { PacketIn } from '../shared/switch/types.ts'
import type { Inputs } from './inputs.ts'
import { NO_OUTCOME, type Outcome } from './outcome.ts'
import { NO_REPORTS, type Reports } from './report/reports.ts'
import type { RefusalCode, RegistrationState } from './report/types.ts'

export type InputCells = { readonly [Name in keyof Inputs]: Cell<Inputs[Name]> }

/** All that the agent's parts tell each other. */
export interface Cells {
  /** A change of any of these asks for a pass. */
  readonly inputs: InputCells
  /** The outcome of the newest pass, for those who look it up. Who acts on each outcome is an outlet (outlets/outlets.ts). */
  readonly outcome: Cell<Outcome>
  /** The reports of the real servers for directors and operators. */
  readonly reports: Cell<Reports>
  /** How the host stands with each of its directors, by address. */
  readonly registrations: Cell<ReadonlyMap<string, Registration>>
  /** What is wrong with the datapath's connection table. */
  readonly tableProblems: Cell<readonly Problem[]>
  /** The connection to ovsdb-server; undefined until it has been made. */
  readonly ovsdb: Cell<OvsdbClient | undefined>
  /** The host's own certificate; undefined: directors are talked to in the clear, or there are none. */
  readonly certificate: Cell<CertificateState | undefined>
  readonly serviceFiles: Cell<{ reload(): Promise<void> } | undefined>
  readonly tunnelPort: Cell<Pick<TunnelPortKeeper, 'remove'> | undefined>
  /** Packets that the switch sends to the controller. */
  readonly packets: Topic<PacketIn>
  /** Somebody else has changed our flows in the switch. */
  readonly drift: Topic<string>
  /** UUIDs of VMs that have begun to fail their health checks. */
  readonly suspects: Topic<string>
  /** A pass has ended, with or without success. */
  readonly passed: Topic<void>
}

export interface Registration {
  readonly state: RegistrationState
  readonly reason: string
  /** Why it is refused. */
  readonly code?: RefusalCode | undefined
}

export function createCells(initial: Inputs): Cells {
  const names = Object.keys(initial) as (keyof Inputs)[]
  return {
    inputs: Object.fromEntries(names.map(name => [name, createCell<unknown>(initial[name])])) as unknown as InputCells,
    outcome: createCell(NO_OUTCOME),
    reports: createCell(NO_REPORTS),
    registrations: createCell<ReadonlyMap<string, Registration>>(new Map()),
    tableProblems: createCell<readonly Problem[]>([]),
    ovsdb: createCell<OvsdbClient | undefined>(undefined),
    certificate: createCell<CertificateState | undefined>(undefined),
    serviceFiles: createCell<{ reload(): Promise<void> } | undefined>(undefined),
    tunnelPort: createCell<Pick<TunnelPortKeeper, 'remove'> | undefined>(undefined),
    packets: createTopic<PacketIn>(),
    drift: createTopic<string>(),
    suspects: createTopic<string>(),
    passed: createTopic<void>(),
  }
}

/** The newest snapshots, all of one moment. */
export function readInputs(cells: InputCells): Inputs {
  const entries = Object.entries(cells).map(([name, cell]) => [name, (cell as Reading<unknown>).get()])
  return Object.fromEntries(entries) as Inputs
}
