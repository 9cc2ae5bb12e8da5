import type { Replica } from '../../shared/ovsdb/replica.ts'
import { map, optional, scalar, set } from '../../shared/ovsdb/values.ts'

/** The columns that the agent follows, ovs-vswitchd.conf.db(5). No counters, because each change of one would send an update. */
export const PORT_TABLES = {
  Open_vSwitch: { other_config: map('string', 'string') },
  Bridge: {
    name: scalar('string'),
    ports: set('uuid'),
    datapath_id: optional('string'),
    datapath_type: scalar('string'),
    fail_mode: optional('string'),
  },
  Port: {
    name: scalar('string'),
    interfaces: set('uuid'),
    tag: optional('integer'),
    trunks: set('integer'),
    vlan_mode: optional('string'),
  },
  Interface: {
    name: scalar('string'),
    type: scalar('string'),
    ofport: optional('integer'),
    external_ids: map('string', 'string'),
    mac_in_use: optional('string'),
    mtu: optional('integer'),
    link_state: optional('string'),
    error: optional('string'),
  },
} as const

export type PortReplica = Replica<typeof PORT_TABLES>
