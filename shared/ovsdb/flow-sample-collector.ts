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

/** Destination of a bridge's `sample` actions (ovs-vswitchd.conf.db(5), Flow_Sample_Collector_Set and IPFIX). */
export interface FlowSampleCollector {
  /** ip:port */
  readonly target: string
  /** Seconds, 1 to 4200, for which a flow's packets are added up before they are exported. */
  readonly activeTimeout: number
  /** Flows that are added up at one time; beyond this the oldest is exported early. */
  readonly maxFlows: number
}

/** A bridge, by name, and the number of the collector set in its `sample` actions. */
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
 * Creates or changes the bridge's collector set `id`. Returns false, and changes nothing, when somebody else made the set or the
 * bridge does not exist. Idempotent. vswitchd sends no templates to a new target (RFC 7011, 8.1) before they are due again, after
 * ten minutes; so call `removeFlowSampleCollector` first to change the target. Throws OVSDB_TRANSACTION, OVSDB_UNREACHABLE,
 * OVSDB_TIMEOUT.
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
 * Removes the collector set if crossport has made it. Resolves when vswitchd has applied this (ovs-vswitchd.conf.db(5), next_cfg
 * and cur_cfg), or after five seconds. Throws the same errors.
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
