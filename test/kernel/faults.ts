import test, { type ExecutionContext } from 'ava'
import type { Status__Output } from '../../shared/rpc/gen/crossport/v1/Status.ts'
import { flows, ours, type Site, untilFlows } from '../e2e/fixture.ts'
import { ECHO, echoService, hold, nothingLost } from './held.ts'

const RUN = '/run/openvswitch/ovs-vswitchd.pid'
const LOG = '/var/log/openvswitch/ovs-vswitchd.log'
const START = `ovs-vswitchd --pidfile --detach --no-chdir --log-file=${LOG} 2>/dev/null`
/** Waits until the process has ended, because its successor would find its lock. */
const end = (signal: string) => `p=$(cat ${RUN}); kill -${signal} $p; while kill -0 $p 2>/dev/null; do sleep 0.05; done`
const connected = (s: Status__Output) => s.inputs.some(({ name, state }) => name === 'switch' && state === 'in sync')
const inForce = (s: Status__Output) =>
  connected(s) && s.switch?.installedFlows === s.switch?.desiredFlows && Number(s.switch?.installedFlows) > 0

/** vswitchd ends and comes back; the kernel forwards meanwhile. */
export function faultTests(site: () => Site): void {
  const sh = (host: string, script: string) => site().lab.host(host).exec(['sh', '-c', script], { timeoutMs: 60_000 })

  /** Connections survive `fault`, and new ones are served after it. */
  async function survives(t: ExecutionContext, fault: () => Promise<unknown>): Promise<void> {
    await site().drop('echo.yaml', echoService())
    await site().ready('echo', 3)
    const held = await hold(t, site(), 12)
    await fault()
    t.deepEqual(await held.end(), nothingLost(12))
    const counts = await site().request(12)
    t.deepEqual([...counts.keys()].sort(), ['web-1', 'web-2', 'web-3'])
  }

  const OPEN = `ss -Htn state established dport = :${ECHO} | wc -l`

  test.serial(
    'the connection table is flushed: connections are recalled from the hosts, with the next packet',
    async t => {
      await survives(t, async () => {
        await sh('director', 'conntrack -F')
        // Each of them sends twice a second.
        await sh(
          'director',
          `until [ $(conntrack -L -p tcp --dport ${ECHO} --state ESTABLISHED | wc -l) -ge 12 ]; do sleep 0.1; done`,
        )
      })
    },
  )

  test.serial('a connection that no host knows either is reset', async t => {
    const held = await hold(t, site(), 6)
    await sh('client', 'ip link set eth0 down')
    for (const host of ['rs1', 'rs2', 'director']) await sh(host, 'conntrack -F')
    await sh('client', `ip link set eth0 up; until [ $(${OPEN}) = 0 ]; do sleep 0.1; done`)
    t.deepEqual(await held.end(), { ...nothingLost(6), lost: Array.from({ length: 6 }, () => 'read ECONNRESET') })
  })

  for (const host of ['director', 'rs1']) {
    const daemon = () => (host === 'director' ? site().director : site().agent(host))
    const back = async () => {
      await daemon().until('flows in force', inForce)
      while (ours(await flows(site().lab, host)).length === 0) await new Promise(resolve => setTimeout(resolve, 100))
    }

    test.serial(`${host}: ovs-vswitchd is killed, is away, and is started again`, async t => {
      await survives(t, async () => {
        await sh(host, end('KILL'))
        await daemon().until('vswitchd is away', s => !connected(s))
        await sh(host, START)
        await back()
      })
    })

    test.serial(`${host}: a restart as by ovs-ctl, with flow-restore-wait`, async t => {
      const before = ours(await flows(site().lab, host))
      await survives(t, async () => {
        // As ovs-ctl(8) restart does: saves the flows, starts the daemon without touching the datapath, restores the flows.
        await sh(host, 'ovs-ofctl -O OpenFlow15 --no-names --no-stats dump-flows br0 | grep actions= >/run/saved')
        await sh(host, 'ovs-ofctl -O OpenFlow15 dump-groups br0 | grep group_id >/run/saved-groups || :')
        await sh(
          host,
          `${end('TERM')}; ovs-vsctl --no-wait set open_vswitch . other_config:flow-restore-wait=true; ${START}`,
        )
        await sh(host, 'ovs-ofctl -O OpenFlow15 add-groups br0 /run/saved-groups || :')
        await sh(host, 'ovs-ofctl -O OpenFlow15 add-flows br0 /run/saved || :')
        await sh(host, 'ovs-vsctl --if-exists remove open_vswitch . other_config flow-restore-wait')
        await back()
      })
      if (host !== 'director') await untilFlows(site(), host, before)
      t.pass()
    })
  }
}
