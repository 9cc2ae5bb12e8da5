import test from 'ava'
import type { PortsSnapshot } from '../../../agent/ports/types.ts'
import { watchPorts } from '../../../agent/ports/watch.ts'
import { quiet } from '../../../shared/log/quiet.ts'
import { systemClock } from '../../../shared/run/clock.ts'
import { startOpenVswitch } from '../../segment/open-vswitch.ts'
import { cleanupOf } from '../cleanup.ts'
import { collector } from '../ovsdb/_support.ts'

test('tells what a real ovs-vswitchd says of a bridge, a port, and a port that it cannot open', async t => {
  const ovs = await startOpenVswitch(cleanupOf(t))
  const snapshots = collector<PortsSnapshot>()
  const watch = watchPorts({
    socket: `${ovs.rundir}/db.sock`,
    bridge: 'br0',
    log: quiet,
    clock: systemClock,
    onChange: snapshots.add,
  })
  t.teardown(watch.close)

  const { bridge } = await snapshots.until(s => s.bridge?.mac !== undefined)
  const get = async (...args: string[]) => (await ovs.vsctl('get', ...args)).replaceAll('"', '').trim()
  t.is(bridge?.mac, await get('Interface', 'br0', 'mac_in_use'))
  t.is(bridge?.datapathId, await get('Bridge', 'br0', 'datapath_id'))
  t.is(bridge?.failMode, 'secure')

  await ovs.vsctl('add-port', 'br0', 'vm1', '--', 'set', 'Interface', 'vm1', 'type=internal', 'ofport_request=17')
  const opened = await snapshots.until(s => s.ports.some(port => port.name === 'vm1' && port.macInUse !== undefined))
  t.like(opened.ports, [
    { name: 'br0', ofport: 65534, type: 'internal' },
    { name: 'vm1', ofport: 17, error: undefined },
  ])

  // A VM's tap is in this state for a moment after the VM's end: the record exists, the device does not. ovs-vsctl reports it,
  // too.
  await ovs.vsctl('--no-wait', 'add-port', 'br0', 'gone')
  const failed = await snapshots.until(s => s.ports.some(port => port.name === 'gone' && port.error !== undefined))
  const gone = failed.ports.find(port => port.name === 'gone')
  t.is(gone?.ofport, undefined)
  t.regex(gone?.error ?? '', /gone/)

  await ovs.vsctl('del-port', 'br0', 'vm1')
  await snapshots.until(s => s.ports.every(port => port.name !== 'vm1'))

  await ovs.vsctl('--no-wait', 'set', 'Open_vSwitch', '.', 'other_config:flow-restore-wait=true')
  await snapshots.until(s => s.flowRestoreWait === true)
  await ovs.vsctl('--no-wait', 'remove', 'Open_vSwitch', '.', 'other_config', 'flow-restore-wait')
  await snapshots.until(s => s.flowRestoreWait === undefined)
})
