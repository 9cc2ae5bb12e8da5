/* What the state file keeps of what others have told this host, and of what the host has given them. */

/** Something that we changed in a guest's configuration, with all that is needed to undo it. */
export type GuestEdit =
  /** A file of ours; its own text says whether it still is. `folders`: those that were made for it, the outermost first. */
  | { readonly kind: 'file'; readonly path: string; readonly folders: readonly string[] }
  /** Lines in a file of the guest's owner: exactly what was inserted. */
  | { readonly kind: 'lines'; readonly path: string; readonly text: string }

/** What we added to a guest, so that only this is removed again. Kept in SQLite; outlives agent and VM. */
export interface GuestRecord {
  readonly vmUuid: string
  readonly mac: string
  readonly vip: string
  readonly nicName: string
  /** False where the address was there before. */
  readonly addressAdded: boolean
  /** Recorded before they are made, and until they are undone. */
  readonly edits: readonly GuestEdit[]
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
