import test from 'ava'
import type { PortsSnapshot } from '../../../agent/ports/types.ts'
import { watchPorts } from '../../../agent/ports/watch.ts'
import { quiet } from '../../../shared/log/quiet.ts'
import { systemClock } from '../../../shared/run/clock.ts'
import { startServer } from '../ovsdb/_server.ts'
import { collector } from '../ovsdb/_support.ts'

const PORT = {
  type: '',
  ofport: undefined,
  attachedMac: undefined,
  ifaceId: undefined,
  vmId: undefined,
  tag: undefined,
  trunks: [],
  macInUse: undefined,
  mtu: undefined,
  linkUp: undefined,
  error: undefined,
}

test('follows one bridge: its ports as libvirt and vswitchd describe them, a restart, its removal', async t => {
  const server = await startServer(t)
  const snapshots = collector<PortsSnapshot>()
  const watch = watchPorts({
    socket: server.socket,
    bridge: 'br0',
    log: quiet,
    clock: systemClock,
    onChange: snapshots.add,
  })
  t.teardown(watch.close)
  t.false(watch.snapshot().synced)

  const none = await snapshots.until(s => s.synced)
  t.deepEqual([none.bridge, none.ports], [undefined, []])
  t.regex(none.reason ?? '', /no bridge br0/)

  // No vswitchd runs here, so its columns are written by hand.
  const commands = `add-br br0 -- add-br other -- add-port other foreign
    -- set Bridge br0 datapath_type=netdev fail_mode=secure datapath_id=0000aabbccddeeff
    -- set Interface br0 type=internal ofport=65534 mac_in_use="AA:BB:CC:DD:EE:FF" mtu=1500 link_state=up
    -- add-port br0 vnet7 tag=12
    -- set Interface vnet7 ofport=3 link_state=down external_ids:attached-mac=52:54:00:AB:CD:EF
       external_ids:iface-id=cccce89e-30ad-41cc-bfde-66179e7ce7d5 external_ids:vm-id=adf01fec-9d9a-47c5-8f33-7253f364666f
    -- add-port br0 broken trunks=30,4,5 tag=9 -- set Port broken vlan_mode=trunk
    -- set Interface broken ofport=-1 error=nodev
    -- add-bond br0 bond0 eth0 eth1 -- set Port bond0 tag=5`
  await server.vsctl(...commands.split(/\s+/))
  const full = await snapshots.until(s => s.bridge !== undefined)
  t.deepEqual(full, {
    synced: true,
    bridge: {
      name: 'br0',
      mac: 'aa:bb:cc:dd:ee:ff',
      datapathId: '0000aabbccddeeff',
      datapathType: 'netdev',
      failMode: 'secure',
    },
    ports: [
      { ...PORT, name: 'br0', type: 'internal', ofport: 65534, macInUse: 'aa:bb:cc:dd:ee:ff', mtu: 1500, linkUp: true },
      { ...PORT, name: 'broken', trunks: [4, 5, 30], error: 'nodev' },
      { ...PORT, name: 'eth0', bond: 'bond0', tag: 5 },
      { ...PORT, name: 'eth1', bond: 'bond0', tag: 5 },
      {
        ...PORT,
        name: 'vnet7',
        ofport: 3,
        linkUp: false,
        attachedMac: '52:54:00:ab:cd:ef',
        ifaceId: 'cccce89e-30ad-41cc-bfde-66179e7ce7d5',
        vmId: 'adf01fec-9d9a-47c5-8f33-7253f364666f',
        tag: 12,
      },
    ],
  })
  t.is(watch.snapshot(), full)

  await server.vsctl('remove', 'Interface', 'vnet7', 'external_ids', 'vm-id')
  const changed = await snapshots.until(s => s.ports.some(port => port.name === 'vnet7' && port.vmId === undefined))
  t.is(changed.ports.length, 5)

  await server.stop()
  const lost = await snapshots.until(s => !s.synced)
  t.truthy(lost.reason)
  // Ephemeral columns are lost at a restart, so the last values are kept.
  t.deepEqual([lost.bridge, lost.ports], [changed.bridge, changed.ports])
  await server.start()
  const back = await snapshots.until(s => s.synced)
  t.is(back.reason, undefined)
  t.is(back.bridge?.mac, undefined)

  await server.vsctl('set', 'Bridge', 'br0', 'datapath_type=""')
  await snapshots.until(s => s.bridge?.datapathType === 'system')
  await server.vsctl('del-br', 'br0')
  t.deepEqual((await snapshots.until(s => s.bridge === undefined)).ports, [])
})

test('nothing is told after close', async t => {
  const server = await startServer(t)
  const snapshots = collector<PortsSnapshot>()
  const options = { socket: server.socket, bridge: 'br0', log: quiet, clock: systemClock }
  const closed = watchPorts({ ...options, onChange: snapshots.add })
  closed.close()
  const other = collector<PortsSnapshot>()
  const watch = watchPorts({ ...options, onChange: other.add })
  t.teardown(watch.close)
  await other.until(s => s.synced)
  t.deepEqual(snapshots.seen, [])
})

test('a server that is not there yet is waited for, with the reason', async t => {
  const server = await startServer(t)
  await server.stop()
  const snapshots = collector<PortsSnapshot>()
  const watch = watchPorts({
    socket: server.socket,
    bridge: 'br0',
    log: quiet,
    clock: systemClock,
    onChange: snapshots.add,
  })
  t.teardown(watch.close)
  t.regex((await snapshots.until(s => !s.synced)).reason ?? '', /cannot connect to .*db\.sock/)
  await server.start()
  await snapshots.until(s => s.synced)
})
