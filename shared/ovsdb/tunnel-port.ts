import { CrossportError } from '../errors.ts'
import type { OvsdbClient } from './connection.ts'
import {
  type Condition,
  comment,
  guardEqual,
  insert,
  mutate,
  namedUuid,
  select,
  transact,
  update,
  uuid,
  type WireRow,
  wireMap,
  wireSet,
} from './transact.ts'
import { decode, map, scalar, set } from './values.ts'

/** One flow-based tunnel port (ovs-vswitchd.conf.db(5), Interface, "Tunnel Options"): flows set the destination and the key. */
export interface TunnelPort {
  readonly bridge: string
  readonly name: string
  readonly type: 'vxlan' | 'geneve' | 'gre'
  /** Address of this end in the underlay. */
  readonly localIp: string
}

const DATABASE = 'Open_vSwitch'
const OWNER = 'crossport'
const STRINGS = map('string', 'string')

type Client = Pick<OvsdbClient, 'call'>

/**
 * Creates the bridge's tunnel port. A fitting port that an operator or a network controller has made is used as it is; a port of
 * ours is changed where it differs. Idempotent. Throws TUNNEL_PORT when a port of this name does not fit, OVSDB_TRANSACTION,
 * OVSDB_UNREACHABLE, OVSDB_TIMEOUT.
 */
export async function ensureTunnelPort(client: Client, port: TunnelPort): Promise<'found' | 'made' | 'changed'> {
  const { bridge, there } = await read(client, port)
  if (bridge === undefined) throw new CrossportError('TUNNEL_PORT', `there is no bridge ${port.bridge}`)
  const { name, type, localIp } = port
  const wanted = new Map([
    ['remote_ip', 'flow'],
    ['key', 'flow'],
    ['local_ip', localIp],
  ])
  const row = { type, options: wireMap(wanted) }
  if (there === undefined) {
    await transact(client, DATABASE, [
      insert('Interface', { name, ...row, external_ids: wireMap([['owner', OWNER]]) }, 'interface'),
      insert('Port', { name, interfaces: namedUuid('interface'), external_ids: wireMap([['owner', OWNER]]) }, 'port'),
      mutate('Bridge', [['_uuid', '==', uuid(bridge.id)]], [['ports', 'insert', wireSet([namedUuid('port')])]]),
      comment(`crossport: tunnel port ${name}`),
    ])
    return 'made'
  }
  if (there.ours) {
    const same = there.type === type && [...wanted].every(([key, value]) => there.options.get(key) === value)
    if (same) return 'found'
    await transact(client, DATABASE, [update('Interface', [['name', '==', name]], row)])
    return 'changed'
  }
  const odd = mismatch(there, port)
  if (odd !== undefined)
    throw new CrossportError('TUNNEL_PORT', `port ${name} is there, but ${odd}`, { fields: { PORT: name } })
  return 'found'
}

/** Removes the port from the bridge if crossport has made it. */
export async function removeTunnelPort(client: Client, port: Pick<TunnelPort, 'bridge' | 'name'>): Promise<boolean> {
  const { bridge, there } = await read(client, port)
  if (bridge === undefined || there?.ours !== true || there.portId === undefined) return false
  const here: readonly Condition[] = [['_uuid', '==', uuid(bridge.id)]]
  const guard: WireRow = { ports: wireSet([...bridge.ports].map(uuid)) }
  await transact(client, DATABASE, [
    guardEqual('Bridge', here, guard),
    mutate('Bridge', here, [['ports', 'delete', wireSet([uuid(there.portId)])]]),
  ])
  return true
}

interface Found {
  readonly type: string
  readonly options: ReadonlyMap<string, string>
  readonly ours: boolean
  /** Undefined: the port is on another bridge. */
  readonly portId: string | undefined
}

function mismatch({ type, options, portId }: Found, wanted: TunnelPort): string | undefined {
  if (portId === undefined) return `not on bridge ${wanted.bridge}`
  if (type !== wanted.type) return `of type ${type || 'system'}, not ${wanted.type}`
  for (const key of ['remote_ip', 'key'])
    if (options.get(key) !== 'flow') return `its options:${key} is ${options.get(key) ?? 'not set'}, not flow`
  const local = options.get('local_ip')
  if (local !== undefined && local !== 'flow' && local !== wanted.localIp)
    return `its options:local_ip is ${local}, not ${wanted.localIp}`
  return undefined
}

async function read(client: Client, { bridge: bridgeName, name }: Pick<TunnelPort, 'bridge' | 'name'>) {
  const [bridges, ports, interfaces] = await transact(client, DATABASE, [
    select('Bridge', [['name', '==', bridgeName]], ['_uuid', 'ports']),
    select('Port', [['name', '==', name]], ['_uuid']),
    select('Interface', [['name', '==', name]], ['type', 'options', 'external_ids']),
  ])
  const bridgeRow = bridges?.rows?.[0]
  const bridge =
    bridgeRow === undefined
      ? undefined
      : { id: decode(scalar('uuid'), bridgeRow._uuid), ports: decode(set('uuid'), bridgeRow.ports) }
  const row = interfaces?.rows?.[0]
  if (row === undefined) return { bridge, there: undefined }
  const portId = ports?.rows?.[0] === undefined ? undefined : decode(scalar('uuid'), ports.rows[0]._uuid)
  const there: Found = {
    type: decode(scalar('string'), row.type),
    options: decode(STRINGS, row.options),
    ours: decode(STRINGS, row.external_ids).get('owner') === OWNER,
    portId: portId !== undefined && bridge?.ports.has(portId) ? portId : undefined,
  }
  return { bridge, there }
}
