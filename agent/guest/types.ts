/** The VIPs that one VM must hold on one NIC. */
export interface GuestTarget {
  readonly vmUuid: string
  readonly vmName: string
  /** libvirt's id of the current run: a new one means that the guest has booted anew. */
  readonly runId: number | undefined
  readonly running: boolean
  readonly agentChannel: 'none' | 'disconnected' | 'connected'
  /** NIC on the bridge, by hardware address: the only name that host and guest share. */
  readonly mac: string
  /** Network (CIDR) that health checks come from, to be reached on-link; undefined: the guest needs no route to it. */
  readonly onLink?: string | undefined
  /** VIPs in canonical order; empty: remove what we added. */
  readonly vips: readonly string[]
}

/** What is known about one guest's NIC. */
export interface GuestStatus {
  readonly vmUuid: string
  readonly mac: string
  readonly vips: ReadonlyMap<string, VipStatus>
  /** The NIC's own IPv4 addresses inside the guest (VIPs excluded), primary first; for the shield of VIPs that are IPv4. */
  readonly ownAddresses: readonly string[]
  readonly nicName: string | undefined
  /** Its own IPv4 addresses with their prefix lengths, as far as the guest tells these. Absent: it has told none yet. */
  readonly addresses?: readonly string[]
}

export interface VipStatus {
  /**
   * set: the guest has shown the address in this run of its guest agent; `code` and `reason` may carry a warning.
   * failed: the guest was asked and cannot have the address. unknown: the guest cannot be asked.
   */
  readonly state: 'pending' | 'set' | 'failed' | 'unknown'
  /** Stable error code (shared/errors.ts) of `reason`. */
  readonly code?: string
  /** For the operator: what is wrong and how to mend it. */
  readonly reason?: string
}
