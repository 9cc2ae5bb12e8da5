import { CrossportError } from '../../shared/errors.ts'
import type { OvsdbClient } from '../../shared/ovsdb/connection.ts'
import {
  comment,
  insert,
  mutate,
  namedUuid,
  select,
  transact,
  uuid,
  wireMap,
  wireSet,
} from '../../shared/ovsdb/transact.ts'
import { decode, map, scalar } from '../../shared/ovsdb/values.ts'
import { PROBE_MAC, type ProbePortOptions } from './types.ts'

const DATABASE = 'Open_vSwitch'
const OWNER = wireMap([['owner', 'crossport']])
/** A VLAN ID that no frame has (IEEE 802.1Q-2018, table 9-2). */
const NO_VLAN = 4095

type Client = Pick<OvsdbClient, 'call'>

/** `ours`: crossport has made the port. */
export async function findPort(client: Client, name: string): Promise<{ uuid: string; ours: boolean } | undefined> {
  const [ports] = await transact(client, DATABASE, [select('Port', [['name', '==', name]], ['_uuid', 'external_ids'])])
  const row = ports?.rows?.[0]
  if (row === undefined) return undefined
  const ids = decode(map('string', 'string'), row.external_ids)
  return { uuid: decode(scalar('uuid'), row._uuid), ours: ids.get('owner') === 'crossport' }
}

/**
 * Adds the port to the bridge, unless it exists. The port is a trunk of a VLAN that no frame has, so it takes no part in NORMAL
 * forwarding: nothing is flooded to it, and its frames go only where a flow sends them.
 * Throws PROBE_PORT_TAKEN where somebody else has a port of that name, OVSDB_*.
 */
export async function addPort(client: Client, { bridge, name }: ProbePortOptions): Promise<boolean> {
  const found = await findPort(client, name)
  if (found?.ours === false)
    throw new CrossportError('PROBE_PORT_TAKEN', `there is a port ${name} already, and crossport has not made it`)
  if (found !== undefined) return false
  await transact(client, DATABASE, [
    insert('Interface', { name, type: 'internal', mac: PROBE_MAC, external_ids: OWNER }, 'interface'),
    insert(
      'Port',
      {
        name,
        interfaces: namedUuid('interface'),
        vlan_mode: 'trunk',
        trunks: wireSet([NO_VLAN]),
        external_ids: OWNER,
      },
      'port',
    ),
    mutate('Bridge', [['name', '==', bridge]], [['ports', 'insert', wireSet([namedUuid('port')])]]),
    // vswitchd reads the database again when this changes (ovs-vswitchd.conf.db(5), next_cfg).
    mutate('Open_vSwitch', [], [['next_cfg', '+=', 1]]),
    comment('crossport: probe port'),
  ])
  return true
}

/** Removes the port from the bridge, if it is ours. */
export async function removePort(client: Client, { bridge, name }: ProbePortOptions): Promise<boolean> {
  const found = await findPort(client, name)
  if (found?.ours !== true) return false
  await transact(client, DATABASE, [
    mutate('Bridge', [['name', '==', bridge]], [['ports', 'delete', wireSet([uuid(found.uuid)])]]),
    mutate('Open_vSwitch', [], [['next_cfg', '+=', 1]]),
    comment('crossport: probe port removed'),
  ])
  return true
}
