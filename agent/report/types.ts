import type { ErrorCode } from '../../shared/errors.ts'
import type { RealServerReport } from '../../shared/rpc/real-server.ts'
import type { DirectorDocument, DirectorInfo } from '../store/types.ts'

/** A document of a director that is not in force on this host. */
export interface RefusedDocument {
  readonly service: string
  readonly file: string
  readonly line: number
  readonly code: ErrorCode
  /** What, and how to mend it. */
  readonly reason: string
}

/** One real server as the director hears of it; its `id` is stable on this host across restarts of VM and agent. */
export type ReportedRealServer = RealServerReport

/** `connected`: asked, not confirmed yet; `refused`: the director does not take this host. */
export type RegistrationState = 'connected' | 'registered' | 'disconnected' | 'refused'

/** Why a director does not take this host. */
export const REFUSAL_CODES = [
  'HOST_ID_TAKEN',
  'HOST_NAME_MISMATCH',
  'HOST_ADDRESS_TAKEN',
  'IDENTITY_REFUSED',
  'REGISTRATION_INVALID',
  'REGISTRATION_LIMIT',
] as const
export type RefusalCode = (typeof REFUSAL_CODES)[number]

/** Callbacks store a snapshot and mark the loop dirty; they do no I/O. */
export interface ReportHandlers {
  onDirector(info: DirectorInfo): void
  onServices(documents: readonly DirectorDocument[]): void
  /** `reason` is for the operator: 'connecting to 172.24.1.100:7473: connection refused'; `code`: why the director refuses this host. */
  onState(state: RegistrationState, reason: string, code?: RefusalCode): void
}

export interface Reporter {
  /**
   * The whole list, level-triggered: the reporter sends what differs from what the director has confirmed.
   * `whole` (default true) false: an agent without a memory has yet to hear from its director what it serves, and from its
   * guests whether they do. It does not register before it knows, for a third of the lease and 5 s at most.
   * `refused`: documents of directors that are not in force here; the same list while nothing changes.
   */
  update(realServers: readonly ReportedRealServer[], whole?: boolean, refused?: readonly RefusedDocument[]): void
  close(): Promise<void>
}
