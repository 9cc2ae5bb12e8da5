import type { RealServerReport } from '../../shared/rpc/real-server.ts'

/** One real server as the director hears of it; its `id` is stable on this host across restarts of VM and agent. */
export type ReportedRealServer = RealServerReport

/** What the director told us last. Kept in SQLite by the agent, so that the host stays autonomous. */
export interface DirectorInfo {
  readonly id: string
  /** D, lower case. */
  readonly mac: string
  /** R, lower case; absent: a director that has none. */
  readonly recallMac?: string
  /** Seconds that an idle TCP connection stays in its table. */
  readonly connectionSeconds?: number
  /** Address of the director's host in the underlay; absent or empty: not told. */
  readonly hostIp?: string
  readonly leaseMs: number
  readonly active: boolean
}

export interface DirectorDocument {
  readonly file: string
  readonly line: number
  readonly text: string
}

/** Callbacks store a snapshot and mark the loop dirty; they do no I/O. */
export interface ReportHandlers {
  onDirector(info: DirectorInfo): void
  onServices(documents: readonly DirectorDocument[]): void
  /** `reason` is for the operator: 'connecting to 172.24.1.100:7473: connection refused'. */
  onState(state: 'connected' | 'registered' | 'disconnected', reason: string): void
}

export interface Reporter {
  /**
   * The whole list, level-triggered: the reporter sends what differs from what the director has confirmed.
   * `whole` (default true) false: an agent without a memory has yet to hear from its director what it serves, and from its
   * guests whether they do. It does not register before it knows, for a third of the lease and 5 s at most.
   */
  update(realServers: readonly ReportedRealServer[], whole?: boolean): void
  close(): Promise<void>
}
