import { CrossportError } from '../errors.ts'
import type { OvsdbClient } from './connection.ts'
import {
  type Condition,
  comment,
  guardEqual,
  insert,
  mutate,
  namedUuid,
  remove,
  select,
  transact,
  uuid,
  wireMap,
} from './transact.ts'
import { decode, map, optional, scalar, set } from './values.ts'

/** Where a bridge's `sample` actions go (ovs-vswitchd.conf.db(5), Flow_Sample_Collector_Set and IPFIX). */
export interface FlowSampleCollector {
  /** ip:port */
  readonly target: string
  /** Seconds, 1 to 4200: how long packets of a flow are added up before they are exported. */
  readonly activeTimeout: number
  /** Flows that are added up at a time; with more the oldest is exported early. */
  readonly maxFlows: number
}

/** A bridge, by name, and the set's number in its `sample` actions. */
export interface Place {
  readonly bridge: string
  readonly id: number
}

type Client = Pick<OvsdbClient, 'call'>

const NOTED_MS = 5000
const TABLE = 'Flow_Sample_Collector_Set'

const DATABASE = 'Open_vSwitch'
const OWNER = wireMap([['owner', 'crossport']])

/**
 * Sees to it that the collector set `id` of the bridge is there and exports so. A set that somebody else made stays as it
 * is, and so does a bridge that is not there: false. Idempotent. To another target vswitchd sends no templates (RFC 7011,
 * 8.1) before those are due again, which is after ten minutes: first `removeFlowSampleCollector`.
 * Throws OVSDB_TRANSACTION, OVSDB_UNREACHABLE, OVSDB_TIMEOUT.
 */
export async function ensureFlowSampleCollector(
  client: Client,
  { bridge, id }: Place,
  { target, activeTimeout, maxFlows }: FlowSampleCollector,
): Promise<boolean> {
  const { bridgeUuid, there } = await read(client, { bridge, id })
  if (bridgeUuid === undefined || there?.ours === false) return false
  if (there?.exports === textOf([target], activeTimeout, maxFlows)) return true
  const ipfix = { targets: target, cache_active_timeout: activeTimeout, cache_max_flows: maxFlows, external_ids: OWNER }
  const row = { id, bridge: uuid(bridgeUuid), ipfix: namedUuid('ipfix'), external_ids: OWNER }
  await transact(client, DATABASE, [
    ...(there === undefined ? [] : [remove(TABLE, there.here)]),
    insert('IPFIX', ipfix, 'ipfix'),
    insert(TABLE, row),
    comment('crossport: accounting of connections'),
  ])
  return true
}

/**
 * Removes the collector set where crossport has made it. Resolves when vswitchd has taken note (ovs-vswitchd.conf.db(5),
 * next_cfg and cur_cfg), or has not in five seconds. Throws as above.
 */
export async function removeFlowSampleCollector(client: Client, place: Place): Promise<void> {
  const { there } = await read(client, place)
  if (there?.ours !== true) return
  const results = await transact(client, DATABASE, [
    remove(TABLE, there.here),
    mutate('Open_vSwitch', [], [['next_cfg', '+=', 1]]),
    select('Open_vSwitch', [], ['next_cfg']),
  ])
  const config = decode(scalar('integer'), results[2]?.rows?.[0]?.next_cfg)
  const noted = guardEqual('Open_vSwitch', [], { cur_cfg: config })
  await transact(client, DATABASE, [{ ...noted, timeout: NOTED_MS }]).catch((err: unknown) => {
    if (!(err instanceof CrossportError && err.fields.error === 'timed out')) throw err
  })
}

async function read(client: Client, { bridge, id }: Place) {
  const [bridges, sets, exporters] = await transact(client, DATABASE, [
    select('Bridge', [['name', '==', bridge]], ['_uuid']),
    select(TABLE, [['id', '==', id]], ['_uuid', 'bridge', 'ipfix', 'external_ids']),
    select('IPFIX', [], ['_uuid', 'targets', 'cache_active_timeout', 'cache_max_flows']),
  ])
  const bridgeRow = bridges?.rows?.[0]
  const bridgeUuid = bridgeRow === undefined ? undefined : decode(scalar('uuid'), bridgeRow._uuid)
  const row = sets?.rows?.find(candidate => decode(scalar('uuid'), candidate.bridge) === bridgeUuid)
  if (row === undefined) return { bridgeUuid, there: undefined }
  const ipfixUuid = decode(optional('uuid'), row.ipfix)
  const ipfix = exporters?.rows?.find(candidate => decode(scalar('uuid'), candidate._uuid) === ipfixUuid)
  return {
    bridgeUuid,
    there: {
      here: [['_uuid', '==', uuid(decode(scalar('uuid'), row._uuid))]] satisfies readonly Condition[],
      ours: decode(map('string', 'string'), row.external_ids).get('owner') === 'crossport',
      exports: textOf(
        decode(set('string'), ipfix?.targets ?? ['set', []]),
        decode(optional('integer'), ipfix?.cache_active_timeout ?? ['set', []]),
        decode(optional('integer'), ipfix?.cache_max_flows ?? ['set', []]),
      ),
    },
  }
}

const textOf = (targets: Iterable<string>, timeout: number | undefined, flows: number | undefined) =>
  JSON.stringify([[...targets], timeout, flows])
