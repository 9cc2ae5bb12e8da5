import type { CookieKind } from '../flows/cookie.ts'
import type { Change, Flow, InstalledState } from '../flows/types.ts'
import type { Meter } from '../openflow/meter.ts'
import type { Print } from '../openflow/print.ts'
import type { Action, Match } from '../openflow/types.ts'

/** A session with one bridge that others may use too: it reads and changes only its owner's flows and groups. */
export interface Switch {
  readonly state: 'connecting' | 'up' | 'down'
  /**
   * Our own flows and groups as the switch reports them. Flows whose prints are `known` are left out, which saves most of the
   * work. A print is valid only during the call.
   */
  readInstalled(known?: (print: Print) => boolean): Promise<InstalledState>
  /**
   * Commits one atomic bundle. Resolves after the switch has confirmed it; changes are made one after the other. Rejects with
   * SWITCH_REJECTED (fields FLOW_KEY, FLOW or GROUP, OF_ERROR) or FLOW_NOT_OURS. Rejects with SWITCH_DOWN when it is not known
   * whether the change was made: read the flows back then.
   */
  commit(change: Change): Promise<void>
  /** Counters of our own groups. */
  readGroupStats(): Promise<readonly GroupStats[]>
  /** Packet counts of our own flows that pass the filter, as of the switch's last update of its counters. */
  readFlowStats(filter: FlowStatsFilter): Promise<readonly FlowStats[]>
  /** The sum of these counts, in one small answer. */
  readPackets(filter: FlowStatsFilter): Promise<number>
  readPorts(): Promise<readonly SwitchPort[]>
  /**
   * Adds the meter, or changes the rate of the one with this number. Rejects with SWITCH_REJECTED where the datapath has no
   * meters.
   */
  setMeter(meter: Meter): Promise<void>
  /** Also deletes the flows that use the meter. */
  deleteMeter(id: number): Promise<void>
  /** Resolves when the switch has accepted the packet without an error. */
  packetOut(packet: PacketOut): Promise<void>
  close(): Promise<void>
}

export interface GroupStats {
  readonly id: number
  readonly packets: bigint
  readonly bytes: bigint
  readonly buckets: readonly BucketStats[]
}

export interface BucketStats {
  /** Bucket.id */
  readonly id: number
  readonly packets: bigint
  readonly bytes: bigint
}

export interface FlowStatsFilter {
  readonly table: number
  readonly kind?: CookieKind
  /** With `kind`: only flows of this object. Costs the switch only in proportion to these flows. */
  readonly object?: number
}

export interface FlowStats {
  readonly cookie: bigint
  readonly packets: number
  readonly match: Match
}

export interface SwitchPort {
  readonly number: number
  readonly name: string
  /** Lower case, colons. */
  readonly mac: string
}

export interface PacketOut {
  /** Default: CONTROLLER. */
  readonly inPort?: number
  readonly actions: readonly Action[]
  /** The frame from its Ethernet header on, without FCS. */
  readonly data: Uint8Array
}

export interface PacketIn {
  readonly inPort: number | undefined
  readonly cookie: bigint
  readonly table: number
  /** The packet's metadata: in_port, registers, ct_zone, ct_mark, …; fields that are 0 are left out. */
  readonly match: Match
  readonly data: Uint8Array
}

export interface SwitchHandlers {
  /** Connected, and drift is watched: what is read from now on cannot change unnoticed. Called again after a reconnect. */
  onUp(): void
  onDown(reason: string): void
  /** Somebody else has changed, or may have changed, our flows or groups. */
  onDrift(what: string): void
  /** True when a foreign flow has the table, priority and match of one of our flows, installed or desired. Default: never. */
  isOurs?(flow: Flow): boolean
  onPacketIn?(packet: PacketIn): void
}
