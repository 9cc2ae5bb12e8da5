import { CrossportError } from '../errors.ts'
import type { OvsdbClient } from './connection.ts'
import {
  comment,
  guardEqual,
  insert,
  mutate,
  namedUuid,
  type Operation,
  select,
  transact,
  update,
  uuid,
  wireMap,
  wireSet,
} from './transact.ts'
import { decode, map, optional, scalar } from './values.ts'

/** Seconds by name, ovs-vswitchd.conf.db(5) "CT_Timeout_Policy": tcp_syn_sent, udp_single, … */
export type CtTimeouts = Readonly<Record<string, number>>

/**
 * Timeouts of a zone that sees all packets of the client and the replies that begin and end a connection: `idle` seconds for an
 * established connection. A connection that has not been accepted, or has ended, is forgotten soon, so that an unanswered SYN may
 * be scheduled anew, and a flood of SYNs does not fill the table. A half-closed connection that is silent for longer is recalled
 * with its next packet. So is one that was recalled before, which the userspace datapath takes for half open: it has seen only the
 * client's packets.
 */
export function tcpTimeouts(idle: number): CtTimeouts {
  const least = (seconds: number) => Math.min(seconds, idle)
  return {
    tcp_syn_sent: least(30),
    tcp_syn_sent2: least(30),
    tcp_syn_recv: least(60),
    tcp_established: idle,
    tcp_fin_wait: least(60),
    tcp_close_wait: least(60),
    tcp_last_ack: least(30),
    tcp_time_wait: least(10),
    tcp_close: least(10),
    ...unbounded(idle),
  }
}

/** Timeouts of an entry that stands for no connection. It stays in its first state, so every state has the same timeout. */
export function untouched(protocol: 'tcp' | 'udp', seconds: number): CtTimeouts {
  return protocol === 'tcp'
    ? {
        tcp_syn_sent: seconds,
        tcp_syn_sent2: seconds,
        tcp_syn_recv: seconds,
        tcp_established: seconds,
        ...unbounded(seconds),
      }
    : { udp_first: seconds, udp_single: seconds, udp_multiple: seconds }
}

/**
 * The kernel reduces any other timeout to these when packets are retransmitted or unacknowledged, and it sees no replies that
 * acknowledge them (nf_conntrack_proto_tcp.c, nf_conntrack_tcp_packet).
 */
export function unbounded(seconds: number): CtTimeouts {
  return { tcp_retransmit: seconds, tcp_unack: seconds }
}

export interface CtZoneTimeouts {
  /** 0 to 65535 */
  readonly zone: number
  readonly timeouts: CtTimeouts
}

export interface DesiredCtZones {
  readonly datapathType: string
  readonly zones: readonly CtZoneTimeouts[]
  /** Agent and director share one database: zones of ours outside of this range belong to the other daemon. */
  readonly range: { readonly first: number; readonly last: number }
}

/** The database's content for one datapath type. */
export interface CtState {
  /** The whole map Open_vSwitch.datapaths: record by datapath type. */
  readonly datapaths: ReadonlyMap<string, string>
  readonly datapathUuid: string | undefined
  /** True when the record is ours, by external_ids owner=crossport. */
  readonly datapathOwned: boolean
  readonly zones: ReadonlyMap<number, CtZoneState>
}

export interface CtZoneState {
  readonly zoneUuid: string
  readonly owned: boolean
  /** Also undefined where the policy is somebody else's, because it may serve other zones. */
  readonly policyUuid: string | undefined
  readonly timeouts: ReadonlyMap<string, number>
}

const DATABASE = 'Open_vSwitch'
const OWNER = wireMap([['owner', 'crossport']])
const STRING_MAP = map('string', 'string')
const ATTEMPTS = 3

/**
 * Sets the timeout policies of these conntrack zones, and removes our other zones in the range. Records of others are left alone,
 * and their zones returned as `conflicts`. Idempotent: sends no change when everything is as it should be. vswitchd applies the
 * policies by itself (ovs-vswitchd.conf.db(5), tables Datapath, CT_Zone, CT_Timeout_Policy). Throws OVSDB_TRANSACTION,
 * OVSDB_UNREACHABLE, OVSDB_TIMEOUT.
 */
export async function ensureCtTimeoutPolicies(
  client: Pick<OvsdbClient, 'call'>,
  desired: DesiredCtZones,
): Promise<{ readonly changed: boolean; readonly conflicts: readonly number[] }> {
  for (let attempt = 1; ; attempt++) {
    const { operations, conflicts } = planCtZones(desired, await readCtState(client, desired.datapathType))
    if (operations.length === 0) return { changed: false, conflicts }
    try {
      await transact(client, DATABASE, [...operations, comment('crossport: conntrack timeout policies')])
      return { changed: true, conflicts }
    } catch (error) {
      // The guard has failed: somebody has changed the database since it was read.
      const raced = error instanceof CrossportError && error.fields.error === 'timed out'
      if (!raced || attempt === ATTEMPTS) throw error
    }
  }
}

async function readCtState(client: Pick<OvsdbClient, 'call'>, datapathType: string): Promise<CtState> {
  const [root, datapaths, zones, policies] = await transact(client, DATABASE, [
    select('Open_vSwitch', [], ['datapaths']),
    select('Datapath', [], ['_uuid', 'ct_zones', 'external_ids']),
    select('CT_Zone', [], ['_uuid', 'timeout_policy', 'external_ids']),
    select('CT_Timeout_Policy', [], ['_uuid', 'timeouts', 'external_ids']),
  ])
  const byUuid = (result: typeof root) => new Map(result?.rows?.map(row => [decode(scalar('uuid'), row._uuid), row]))
  const owned = (row: { readonly external_ids?: unknown }) =>
    decode(STRING_MAP, row.external_ids).get('owner') === 'crossport'

  const known = decode(map('string', 'uuid'), root?.rows?.[0]?.datapaths ?? ['map', []])
  const datapathUuid = known.get(datapathType)
  const datapath = datapathUuid === undefined ? undefined : byUuid(datapaths).get(datapathUuid)
  if (datapath === undefined) return { datapaths: known, datapathUuid, datapathOwned: false, zones: new Map() }

  const zoneRows = byUuid(zones)
  const policyRows = byUuid(policies)
  const state = new Map<number, CtZoneState>()
  for (const [zone, zoneUuid] of decode(map('integer', 'uuid'), datapath.ct_zones)) {
    const row = zoneRows.get(zoneUuid)
    if (row === undefined) continue
    const policyUuid = decode(optional('uuid'), row.timeout_policy)
    const policy = policyUuid === undefined ? undefined : policyRows.get(policyUuid)
    const timeouts = policy === undefined ? new Map() : decode(map('string', 'integer'), policy.timeouts)
    const ours = policy !== undefined && owned(policy) ? policyUuid : undefined
    state.set(zone, { zoneUuid, owned: owned(row), policyUuid: ours, timeouts })
  }
  return { datapaths: known, datapathUuid, datapathOwned: owned(datapath), zones: state }
}

/** Pure. None of the three tables is a root set: the server deletes a record that no other record refers to. */
export function planCtZones(
  desired: DesiredCtZones,
  state: CtState,
): { readonly operations: readonly Operation[]; readonly conflicts: readonly number[] } {
  const wanted = new Map(desired.zones.map(({ zone, timeouts }) => [zone, timeouts]))
  const conflicts = [...wanted.keys()].filter(zone => state.zones.get(zone)?.owned === false)
  const inserts: Operation[] = []
  const updates: Operation[] = []
  const added: [number, unknown][] = []

  for (const [zone, timeouts] of wanted) {
    const there = state.zones.get(zone)
    if (there?.owned === false || (there !== undefined && equalTimeouts(there.timeouts, timeouts))) continue
    const row = { timeouts: wireMap(Object.entries(timeouts)), external_ids: OWNER }
    if (there?.policyUuid !== undefined) {
      updates.push(update('CT_Timeout_Policy', [['_uuid', '==', uuid(there.policyUuid)]], row))
      continue
    }
    inserts.push(insert('CT_Timeout_Policy', row, `policy${zone}`))
    const policy = namedUuid(`policy${zone}`)
    if (there !== undefined) {
      updates.push(update('CT_Zone', [['_uuid', '==', uuid(there.zoneUuid)]], { timeout_policy: policy }))
      continue
    }
    inserts.push(insert('CT_Zone', { timeout_policy: policy, external_ids: OWNER }, `zone${zone}`))
    added.push([zone, namedUuid(`zone${zone}`)])
  }
  const { first, last } = desired.range
  const gone = [...state.zones]
    .filter(([zone, { owned }]) => owned && zone >= first && zone <= last && !wanted.has(zone))
    .map(([zone]) => zone)
  if (inserts.length + updates.length + gone.length === 0) return { operations: [], conflicts }

  const type = desired.datapathType
  if (state.datapathUuid === undefined) {
    const datapath = { ct_zones: wireMap(added), external_ids: OWNER }
    const asRead = wireMap(Array.from(state.datapaths, ([name, id]) => [name, uuid(id)]))
    const guard = guardEqual('Open_vSwitch', [], { datapaths: asRead })
    const link = mutate('Open_vSwitch', [], [['datapaths', 'insert', wireMap([[type, namedUuid('datapath')]])]])
    return { operations: [guard, ...inserts, insert('Datapath', datapath, 'datapath'), link], conflicts }
  }

  const here = [['_uuid', '==', uuid(state.datapathUuid)]] as const
  const before = wireMap(Array.from(state.zones, ([zone, { zoneUuid }]) => [zone, uuid(zoneUuid)]))
  const operations = [guardEqual('Datapath', here, { ct_zones: before }), ...inserts, ...updates]
  if (gone.length > 0) operations.push(mutate('Datapath', here, [['ct_zones', 'delete', wireSet(gone)]]))
  if (added.length > 0) operations.push(mutate('Datapath', here, [['ct_zones', 'insert', wireMap(added)]]))
  if (state.datapathOwned && wanted.size === 0 && gone.length === state.zones.size) {
    operations.push(mutate('Open_vSwitch', [], [['datapaths', 'delete', wireSet([type])]]))
  }
  return { operations, conflicts }
}

function equalTimeouts(a: ReadonlyMap<string, number>, b: CtTimeouts): boolean {
  const names = Object.keys(b)
  return names.length === a.size && names.every(name => a.get(name) === b[name])
}
