/* What the state file keeps of what others tell this host, and of what the host has given them. */

/** What we added to a guest, so that only that is taken out again. Kept in SQLite; survives agent and VM. */
export interface GuestRecord {
  readonly vmUuid: string
  readonly mac: string
  readonly vip: string
  readonly nicName: string
  /** False where the address was there before us. */
  readonly addressAdded: boolean
  /** Path inside the guest of the file that we wrote, undefined where none. */
  readonly file: string | undefined
}

export interface GuestRecords {
  list(): readonly GuestRecord[]
  put(record: GuestRecord): void
  remove(vmUuid: string, mac: string, vip: string): void
}

/** Numbers that must not change while a real server lives; remembered by the store between passes. */
export interface Allocation {
  readonly key: string
  readonly id: number
  readonly vip: string
  readonly protocol: 'tcp' | 'udp'
  readonly ingressPort: number
}

/** What a director said last. Kept in SQLite by the agent, so that the host stays autonomous. */
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
