/* What the state file keeps of what others have told this host, and of what the host has given them. */

/** What we added to a guest, so that only this is removed again. Kept in SQLite; outlives agent and VM. */
export interface GuestRecord {
  readonly vmUuid: string
  readonly mac: string
  readonly vip: string
  readonly nicName: string
  /** False where the address was there before. */
  readonly addressAdded: boolean
  /** Path in the guest of the file that we wrote; undefined if none. */
  readonly file: string | undefined
}

export interface GuestRecords {
  list(): readonly GuestRecord[]
  put(record: GuestRecord): void
  remove(vmUuid: string, mac: string, vip: string): void
}

/** Numbers that must not change while a real server exists. The store keeps them between passes. */
export interface Allocation {
  readonly key: string
  readonly id: number
  readonly vip: string
  readonly protocol: 'tcp' | 'udp'
  readonly ingressPort: number
}

/** A director's last description of itself. The agent keeps it in SQLite, so that the host stays autonomous. */
export interface DirectorInfo {
  readonly id: string
  /** D, lower case. */
  readonly mac: string
  /** R, lower case; absent for a director that has none. */
  readonly recallMac?: string
  /** Seconds that an idle TCP connection stays in the director's table. */
  readonly connectionSeconds?: number
  /** Underlay address of the director's host; absent or empty: not told. */
  readonly hostIp?: string
  readonly leaseMs: number
  readonly active: boolean
}

export interface DirectorDocument {
  readonly file: string
  readonly line: number
  readonly text: string
}
