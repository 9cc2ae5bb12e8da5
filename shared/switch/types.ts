import type { CookieKind } from '../flows/cookie.ts'
import type { Change, Flow, InstalledState } from '../flows/types.ts'
import type { Meter } from '../openflow/meter.ts'
import type { Print } from '../openflow/print.ts'
import type { Action, Match } from '../openflow/types.ts'

/** A session with one bridge, on which others may work too: it reads and touches its owner's flows and groups only. */
export interface Switch {
  readonly state: 'connecting' | 'up' | 'down'
  /**
   * Owned flows and groups as the switch reports them. Flows that are `known` by their prints are left out, which spares
   * most of the work; a print is good until the call returns.
   */
  readInstalled(known?: (print: Print) => boolean): Promise<InstalledState>
  /**
   * One atomic bundle: all of it or nothing. Resolves after the switch has confirmed it; changes are made one after the
   * other. Rejects with SWITCH_REJECTED (fields FLOW_KEY, FLOW or GROUP, OF_ERROR), with FLOW_NOT_OURS, or with SWITCH_DOWN, after which it is not known whether the change was made: read back.
   */
  commit(change: Change): Promise<void>
  /** Counters of the owned groups. */
  readGroupStats(): Promise<readonly GroupStats[]>
  /** Packets of the owned flows that the filter lets through, as of the switch's last look at its datapath. */
  readFlowStats(filter: FlowStatsFilter): Promise<readonly FlowStats[]>
  /** Their sum, in one small answer. */
  readPackets(filter: FlowStatsFilter): Promise<number>
  readPorts(): Promise<readonly SwitchPort[]>
  /** Makes the meter, or gives one of this number the rate. Rejects with SWITCH_REJECTED where the datapath has no meters. */
  setMeter(meter: Meter): Promise<void>
  /** With the flows that use it. */
  deleteMeter(id: number): Promise<void>
  /** Resolves when the switch has taken the packet and found nothing wrong with it. */
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
  /** With `kind`: only what is for this object. Costs the switch as much as there are such flows, and no more. */
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
  /** What the switch says of the packet: in_port, registers, ct_zone, ct_mark, …; what is 0 is left out. */
  readonly match: Match
  readonly data: Uint8Array
}

export interface SwitchHandlers {
  /** Connected, and drift is watched: what is read from now on cannot change unnoticed. Comes again after a reconnect. */
  onUp(): void
  onDown(reason: string): void
  /** Somebody else has changed, or may have changed, what is ours. */
  onDrift(what: string): void
  /** A stranger's flow stands, or would stand, in the place of one of ours: same table, priority and match. Default: none does. */
  isOurs?(flow: Flow): boolean
  onPacketIn?(packet: PacketIn): void
}
