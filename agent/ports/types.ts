/** One interface on the bridge, as OVSDB describes it. */
export interface BridgePort {
  readonly name: string
  /** Name of the Port where it differs from the interface's: a bond. */
  readonly bond?: string
  /** OpenFlow port number; undefined until the switch has assigned one (or -1: it failed, see `error`). */
  readonly ofport: number | undefined
  readonly type: string
  /** external_ids of Interface, set by libvirt (lower-case MAC, domain UUID). */
  readonly attachedMac: string | undefined
  readonly ifaceId: string | undefined
  readonly vmId: string | undefined
  /** Access VLAN of the Port, if any. */
  readonly tag: number | undefined
  readonly trunks: readonly number[]
  readonly macInUse: string | undefined
  readonly mtu: number | undefined
  readonly linkUp: boolean | undefined
  readonly error: string | undefined
}

export interface PortsSnapshot {
  /** False until the first monitor reply, and again while ovsdb-server is away (the rest keeps its last value). */
  readonly synced: boolean
  readonly reason?: string
  readonly bridge: BridgeInfo | undefined
  readonly ports: readonly BridgePort[]
  /** vswitchd forwards nothing until its flows are restored (ovs-vswitchd.conf.db(5), flow-restore-wait). Absent: no. */
  readonly flowRestoreWait?: boolean
}

export interface BridgeInfo {
  readonly name: string
  /** Hardware address of the bridge's internal port (LOCAL), lower case; the default host MAC. */
  readonly mac: string | undefined
  readonly datapathId: string | undefined
  readonly datapathType: string
  readonly failMode: 'standalone' | 'secure' | undefined
}
