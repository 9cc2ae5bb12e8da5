import test from 'ava'
import { watchBridge } from '../../../director/intake/bridge.ts'
import { quiet } from '../../../shared/log/quiet.ts'
import { systemClock } from '../../../shared/run/clock.ts'
import { startOpenVswitch } from '../../segment/open-vswitch.ts'
import { cleanupOf } from '../cleanup.ts'

test('an uplink that is a port of another bridge is none of this one', async t => {
  const { rundir, vsctl } = await startOpenVswitch(cleanupOf(t))
  await vsctl('add-br', 'br1', '--', 'set', 'Bridge', 'br1', 'datapath_type=netdev')
  await vsctl('add-port', 'br1', 'fabric', '--', 'set', 'Interface', 'fabric', 'type=internal')
  let changed = () => {}
  const watch = watchBridge({
    ...{ socket: `${rundir}/db.sock`, bridge: 'br0', uplink: 'fabric', log: quiet, clock: systemClock },
    onChange: () => changed(),
  })
  t.teardown(() => watch.close())
  const until = async (fits: () => boolean) => {
    while (!fits()) await new Promise<void>(resolve => (changed = resolve))
  }
  await until(() => watch.view?.mac !== undefined)
  t.like(watch.problem, { missing: 'uplink', message: 'the uplink fabric is no working port of bridge br0' })

  await vsctl('--no-wait', 'set', 'Open_vSwitch', '.', 'other_config:flow-restore-wait=true')
  await until(() => watch.view?.flowRestoreWait === true)
  await vsctl('--no-wait', 'remove', 'Open_vSwitch', '.', 'other_config', 'flow-restore-wait')
  await until(() => watch.view?.flowRestoreWait === undefined)

  await vsctl('del-port', 'br1', 'fabric')
  await vsctl('add-port', 'br0', 'fabric', '--', 'set', 'Interface', 'fabric', 'type=internal')
  await until(() => watch.problem === undefined)
  t.pass()
})
