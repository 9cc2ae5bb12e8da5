import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import { encodeCookie } from '../../../shared/flows/cookie.ts'
import { DATAPATH } from '../../lab/datapath.ts'
import { load } from './load.ts'
import { faults } from './one-host.ts'
import { HELD_UP, hasProblem, inPlace, SECOND, SECOND_VIP, second } from './site.ts'

// Faults of Open vSwitch: a refused flow, flows changed by others, its daemons and its bridge gone and back.
const DOWN_MS = Number(process.env.CROSSPORT_DOWN_MS ?? 2000)
const { agent, sh, holds, calmAgain } = faults
const mac = () => faults.lab.plan.hosts.find(({ name }) => name === 'rs1')!.mac
const ip = () => faults.lab.plan.hosts.find(({ name }) => name === 'rs1')!.ip

const LOG = '/var/log/openvswitch'
const VSWITCHD = `ovs-vswitchd --pidfile --detach --no-chdir --log-file=${LOG}/ovs-vswitchd.log 2>/dev/null`
const OVSDB = `ovsdb-server /etc/openvswitch/conf.db --remote=punix:/run/openvswitch/db.sock --pidfile --detach --no-chdir --log-file=${LOG}/ovsdb-server.log 2>/dev/null`
/** Waits until the process has ended, because its successor would find its lock. */
const killed = (name: string) =>
  `p=$(cat /run/openvswitch/${name}.pid); kill -9 $p; while kill -0 $p 2>/dev/null; do :; done`
const KILL_VSWITCHD = killed('ovs-vswitchd')
const KILL_OVSDB = killed('ovsdb-server')
// The bridge's own device, and with it the host's address, vanishes with the daemon.
const addressBack = () => sh(`until ip link set br0 up; do sleep 0.05; done; ip address replace ${ip()}/24 dev br0`)

test.afterEach.always('flow-restore-wait is never left set', async t => {
  const { stdout } = await sh('ovs-vsctl --if-exists get open_vswitch . other_config:flow-restore-wait; echo')
  t.is(stdout.trim(), '')
})

test.serial('a flow that the switch refuses takes only its own service out', async t => {
  await agent().kill()
  await agent().start({}, HELD_UP)
  await calmAgain()
  const { stdout } = await sh('ovs-ofctl -O OpenFlow15 dump-aggregate br0 table=0')
  const count = Number(/flow_count=(\d+)/.exec(stdout)?.[1])
  await sh(
    `ovs-vsctl -- --id=@t create Flow_Table flow_limit=${count} overflow_policy=refuse -- set bridge br0 flow_tables:0=@t`,
  )
  const clients = await load(t, faults.lab)
  await faults.site.drop(SECOND, second())
  const { problems } = await agent().until('it says so', hasProblem('SWITCH_REJECTED'))
  t.regex(problems.find(({ code }) => code === 'SWITCH_REJECTED')!.message, /TABLE_FULL/)
  const there = new Set(await faults.held())
  t.deepEqual(
    faults.calm.filter(flow => !there.has(flow)),
    [],
  )
  await sh('ovs-vsctl clear bridge br0 flow_tables')
  await faults.withoutSecond(t)
  await calmAgain()
  const seen = await clients.stop()
  t.is(seen.lost, 0)
})

test.serial(
  'a stranger edits our flows a thousand times a second: repairs are few, the event loop is free',
  async t => {
    await faults.site.drop(SECOND, second())
    await faults.site.ready('second', 1)
    const clients = await load(t, faults.lab)
    const cookie = `0x${encodeCookie('agent', 'base', 7).toString(16)}`
    const edits = Array.from({ length: 200 }, (_, i) => [
      `add cookie=${cookie},table=0,priority=${9 + i},in_port=9,actions=drop`,
      `delete ip,nw_dst=${SECOND_VIP}`,
    ]).flat()
    await faults.host().writeFile('/run/edits', `${edits.join('\n')}\n`)
    const before = Number(agent().status.latest?.switch?.commits)
    await faults.heldUp()
    const begin = performance.now()
    const { stdout } = await sh(`end=$(($(date +%s) + 5))
    while [ $(date +%s) -lt $end ]; do ovs-ofctl -O OpenFlow15 add-flows br0 /run/edits; echo done; sleep 0.2; done`)
    const seconds = (performance.now() - begin) / 1000
    const done = (stdout.split('done').length - 1) * edits.length
    const stall = await faults.heldUp()
    const repairs = Number(agent().status.latest?.switch?.commits) - before
    await faults.withoutSecond(t)
    await calmAgain()
    t.log(`${(done / seconds).toFixed(0)} edits a second for ${seconds.toFixed(1)} s, ${repairs} repairs`)
    t.log(`the event loop was held up for ${stall} ms at the longest`)
    t.true(repairs > 3 && repairs < 40, `${repairs} repairs`)
    const seen = await clients.stop()
    t.is(seen.lost, 0)
  },
)

test.serial('ovs-vswitchd is killed and started again: the flows are back as soon as by a shell loop', async t => {
  const restart = `${KILL_VSWITCHD}; ${VSWITCHD}`
  await sh('ovs-ofctl -O OpenFlow15 --no-stats dump-flows br0 | grep actions= >/run/saved-flows')
  await agent().kill()
  let clients = await load(t, faults.lab, { everyMs: 20 })
  const flowsBack = 'until ovs-ofctl -O OpenFlow15 --bundle replace-flows br0 /run/saved-flows 2>/dev/null; do :; done'
  await clients.away(() => sh(`${restart}; ${flowsBack}`))
  await addressBack()
  const byShell = await clients.stop('shell loop')
  await agent().start({}, HELD_UP)
  await calmAgain()
  clients = await load(t, faults.lab, { everyMs: 20 })
  await clients.away(() => sh(restart))
  await addressBack()
  await calmAgain()
  const byAgent = await clients.stop('agent')
  t.log(`${(byAgent.gap / byShell.gap).toFixed(2)} of the shell loop's gap`)
  t.is(byAgent.lost - byAgent.lostAway, 0)
  await holds(t)
})

// Kept for its figure: with the userspace datapath nothing is forwarded before the flag is cleared, so it can only cost time.
if (process.env.CROSSPORT_LONG !== undefined)
  test.serial('flow-restore-wait around a restart of ovs-vswitchd', async t => {
    const set = 'ovs-vsctl --no-wait set open_vswitch . other_config:flow-restore-wait=true'
    const clear = 'ovs-vsctl remove open_vswitch . other_config flow-restore-wait'
    const clients = await load(t, faults.lab, { everyMs: 20 })
    await clients.away(async () => {
      await sh(`${set}; ${KILL_VSWITCHD}; ${VSWITCHD}`)
      while ((await faults.held()).length < faults.calm.length) await delay(5)
      await sh(clear)
    })
    await addressBack()
    await calmAgain()
    const seen = await clients.stop('with flow-restore-wait')
    t.is(seen.lost - seen.lostAway, 0)
  })

test.serial(`ovs-vswitchd is away for ${DOWN_MS} ms: the flows are back once it answers`, async t => {
  const clients = await load(t, faults.lab)
  const begin = performance.now()
  let away = 0
  await clients.away(async () => {
    await sh(`${KILL_VSWITCHD}; sleep ${DOWN_MS / 1000}; ${VSWITCHD}`)
    away = performance.now() - begin
  })
  await addressBack()
  await calmAgain()
  const seen = await clients.stop()
  t.log(`it was away for ${away.toFixed(0)} ms`)
  t.is(seen.lost - seen.lostAway, 0)
  await holds(t)
})

test.serial(
  'ovsdb-server is killed and started again, and then both: lost is only what Open vSwitch loses',
  async t => {
    let clients = await load(t, faults.lab)
    await sh(KILL_OVSDB)
    await agent().until('ovsdb is away', hasProblem('OVSDB_UNREACHABLE'))
    await sh(OVSDB)
    await calmAgain()
    let seen = await clients.stop('ovsdb-server')
    t.is(seen.lost, 0)
    clients = await load(t, faults.lab)
    await clients.away(() => sh(`${KILL_OVSDB}; ${KILL_VSWITCHD}; ${OVSDB}; ${VSWITCHD}`))
    await addressBack()
    await calmAgain()
    seen = await clients.stop('both')
    t.is(seen.lost - seen.lostAway, 0)
    await holds(t)
  },
)

test.serial('ofport numbers change: the flows follow', async t => {
  const port = await faults.lab.vm('web-1').port()
  const before = (await sh(`ovs-vsctl get interface ${port} ofport`)).stdout.trim()
  const clients = await load(t, faults.lab)
  // The switch removes the port and adds it again.
  await clients.away(() => sh(`ovs-vsctl set interface ${port} ofport_request=77`))
  while (!(await faults.held()).some(line => line.includes('output:77'))) await delay(20)
  await calmAgain()
  await clients.away(() => sh(`ovs-vsctl set interface ${port} ofport_request=${before}`))
  await holds(t)
  await calmAgain()
  const seen = await clients.stop()
  t.is(seen.lost - seen.lostAway, 0)
})

test.serial('the bridge is deleted and made anew: the flows are there again', async t => {
  const { stdout } = await sh('ovs-vsctl list-ports br0')
  const adds: string[] = []
  for (const name of stdout.split('\n').filter(name => name.startsWith('vnet'))) {
    const ids = (await sh(`ovs-vsctl get interface ${name} external_ids`)).stdout
    const fields = [...ids.matchAll(/([a-z-]+)="?([^",}]+)"?/g)].map(
      ([, key, value]) => `external_ids:${key}='"${value}"'`,
    )
    adds.push(`-- add-port br0 ${name} -- set interface ${name} ${fields.join(' ')}`)
  }
  const clients = await load(t, faults.lab)
  await clients.away(async () => {
    await sh('ovs-vsctl del-br br0')
    await agent().until('no bridge', s => s.inputs.some(({ state }) => state === 'away') || s.problems.length > 0)
    await sh(
      `ovs-vsctl add-br br0 -- set bridge br0 datapath_type=${DATAPATH} other_config:hwaddr='"${mac()}"' -- add-port br0 uplink0 ${adds.join(' ')}`,
    )
  })
  await addressBack()
  await agent().until('in place', inPlace)
  await calmAgain({ anew: true })
  const seen = await clients.stop()
  t.is(seen.lost - seen.lostAway, 0)
})
