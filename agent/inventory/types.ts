/** What libvirt says about one local domain. Plain data: the snapshot that the reconcile loop reads. */
export interface Domain {
  readonly uuid: string
  readonly name: string
  readonly state: DomainState
  /** In the order of the domain's XML. */
  readonly nics: readonly Nic[]
  /** The qemu-ga channel: absent from the XML, defined but not opened by the guest, or opened. */
  readonly agentChannel: 'none' | 'disconnected' | 'connected'
  /** libvirt's id of this run of the domain; changes with every start, undefined while it is not running. */
  readonly runId: number | undefined
}

export type DomainState = 'running' | 'paused' | 'shutoff' | 'crashed' | 'suspended' | 'other'

export interface Nic {
  /** Lower case, colons. */
  readonly mac: string
  /** Bridge or network named in the XML. */
  readonly source: string | undefined
  /** Host device (vnetN); changes with every start. */
  readonly target: string | undefined
  /** OVS iface-id from <virtualport><parameters interfaceid=…>, where there is one. */
  readonly interfaceId: string | undefined
}

export interface Inventory {
  /** False until the first full listing, and again while the connection to libvirt is lost (domains keep their last value). */
  readonly synced: boolean
  readonly domains: readonly Domain[]
  /** VMs that libvirt lists and that cannot be read: what was known of them before stands, in `domains`. */
  readonly unreadable?: readonly UnreadableDomain[]
  /** Why it is not synced, in words for the operator. */
  readonly reason?: string
}

export interface UnreadableDomain {
  readonly uuid: string
  /** As libvirt lists it. */
  readonly name: string
  readonly reason: string
}
