import { setTimeout as delay } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { encodeCookie } from '../../shared/flows/cookie.ts'
import { NO_CHANGE } from '../../shared/flows/diff.ts'
import type { Status__Output } from '../../shared/rpc/gen/crossport/v1/Status.ts'
import { systemClock } from '../../shared/run/clock.ts'
import { openSwitch, type Switch } from '../../shared/switch/session.ts'
import { memoryLog } from '../unit/run/memory-log.ts'
import { STAGES, standBetween } from './faults/proxy.ts'
import { ask, words } from './faults/traffic.ts'
import { createSite, flows, ours, type Site, service, VIP } from './fixture.ts'

// One lab for all of this file: one host with three VMs, so that whatever happens to it is felt by every request.
let site: Site
/** What the host's bridge holds while only `web` is there. */
let calm: string[]

const KILLS = Number(process.env.CROSSPORT_KILLS ?? 12)
const SECOND = 'second.yaml'
const second = () => service({ service: 'second', vip: '10.10.1.101', realServers: [{ vm: 'web-1', port: 8081 }] })
const host = () => site.lab.host('rs1')
const agent = () => site.agent('rs1')
const rs1Plan = () => site.lab.plan.hosts.find(({ name }) => name === 'rs1')!
const ofctl = (...args: string[]) => host().exec(['ovs-ofctl', '-O', 'OpenFlow15', ...args])
const sh = (script: string) => host().exec(['sh', '-c', script])

const inPlace = ({ switch: sw, inputs }: Status__Output) =>
  sw !== null &&
  sw.installedFlows === sw.desiredFlows &&
  sw.installedFlows > 0 &&
  inputs.every(({ name, state }) => (name === 'director' ? state === 'registered' : state === 'in sync'))

/** The host's bridge holds this in the end: a guest takes its time to give a VIP back, and its shield stays until then. */
async function flowsBecome(wanted: readonly string[], t: ExecutionContext): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (ours(await flows(site.lab, 'rs1')).join('\n') === wanted.join('\n')) return
    await delay(50)
  }
  t.deepEqual(ours(await flows(site.lab, 'rs1')), wanted)
}

/** All is as it was: the same flows, three real servers ready, and nothing wrong. */
async function calmAgain(): Promise<void> {
  await agent().until('in place', inPlace)
  await site.ready('web', 3)
  await agent().until('no problem', status => status.problems.length === 0 && inPlace(status))
}

const VSWITCHD =
  'ovs-vswitchd --pidfile --detach --no-chdir --log-file=/var/log/openvswitch/ovs-vswitchd.log 2>/dev/null'
/** Until it is gone: its successor would find its lock. */
const killed = (pidfile: string) => `p=$(cat ${pidfile}); kill -9 $p; while kill -0 $p 2>/dev/null; do :; done`
const KILL_VSWITCHD = killed('/run/openvswitch/ovs-vswitchd.pid')
// The bridge's own device, and with it the host's address, goes with the daemon.
const addressBack = () =>
  sh(`until ip link set br0 up; do sleep 0.05; done; ip address replace ${rs1Plan().ip}/24 dev br0`)

test.before(async () => {
  site = await createSite({ hosts: 1, vms: 3 })
  await site.drop('web.yaml', service())
  await site.ready('web', 3)
  await agent().until('in place', inPlace)
  calm = ours(await flows(site.lab, 'rs1'))
})

test.after.always(() => site?.down())

test.serial(
  'a damaged state file: the agent says what to do, flows stay, and --rebuild-state is the way back',
  async t => {
    const load = ask(site.lab)
    await agent().kill('SIGTERM')
    const main = new URL('../../agent/main.ts', import.meta.url).pathname
    const run = (...args: string[]) =>
      host().exec([process.execPath, main, '--config', '/etc/crossport/agent.yaml', ...args], { check: false })
    await sh(
      "printf 'this is not a database, this is not a database' | dd of=/var/lib/crossport/agent.db conv=notrunc 2>/dev/null; rm -f /var/lib/crossport/agent.db-*",
    )
    const refused = await run()
    t.is(refused.exitCode, 1)
    t.regex(refused.stdout + refused.stderr, /STATE_CORRUPT|not a database|--rebuild-state/)
    await flowsBecome(calm, t)
    const rebuilt = await run('--rebuild-state')
    t.is(rebuilt.exitCode, 0, rebuilt.stderr)
    await agent().start()
    await calmAgain()
    t.is(ours(await flows(site.lab, 'rs1')).length, calm.length)
    const seen = await load.stop()
    t.log(words(seen))
    t.is(seen.lost, 0)
    calm = ours(await flows(site.lab, 'rs1'))
  },
)

test.serial('a flow that the switch refuses takes only its own service out', async t => {
  const { stdout } = await ofctl('dump-aggregate', 'br0', 'table=0')
  const count = Number(/flow_count=(\d+)/.exec(stdout)?.[1])
  await sh(
    `ovs-vsctl -- --id=@t create Flow_Table flow_limit=${count} overflow_policy=refuse -- set bridge br0 flow_tables:0=@t`,
  )
  const load = ask(site.lab)
  await site.drop(SECOND, second())
  const status = await agent().until('it says so', s => s.problems.some(({ code }) => code === 'SWITCH_REJECTED'))
  t.regex(status.problems.find(({ code }) => code === 'SWITCH_REJECTED')!.message, /TABLE_FULL/)
  const seen = await load.stop()
  t.log(words(seen))
  t.is(seen.lost, 0)
  t.deepEqual(ours(await flows(site.lab, 'rs1')).filter(line => calm.includes(line)).length, calm.length)
  await sh('ovs-vsctl clear bridge br0 flow_tables')
  await site.remove(SECOND)
  await agent().until('it is gone', s => inPlace(s) && s.services.length === 1)
  await calmAgain()
})

test.serial(
  'a stranger who edits our flows a thousand times a second: no endless loop, no blocked event loop',
  async t => {
    const stranger = await new Promise<Switch>(resolve => {
      const sw = openSwitch({
        bridge: 'br0',
        owner: 'agent',
        rundir: host().path('/run/openvswitch'),
        log: memoryLog(),
        clock: systemClock,
        handlers: { onUp: () => queueMicrotask(() => resolve(sw)), onDown: () => {}, onDrift: () => {} },
      })
    })
    const before = Number(agent().status.latest?.switch?.commits)
    const bogus = {
      table: 0,
      priority: 9,
      cookie: encodeCookie('agent', 'base', 7),
      match: { in_port: 9 },
      actions: [],
    }
    const load = ask(site.lab)
    const until = performance.now() + 5000
    let edits = 0
    while (performance.now() < until) {
      await stranger.commit({ ...NO_CHANGE, addFlows: [{ ...bogus, priority: 9 + (edits % 5) }] })
      edits++
      await delay(edits % 5 === 0 ? 1 : 0)
    }
    await stranger.close()
    await calmAgain()
    const repairs = Number(agent().status.latest?.switch?.commits) - before
    const seen = await load.stop()
    t.log(`${edits} edits in 5 s, ${repairs} repairs; ${words(seen)}`)
    t.is(seen.lost, 0)
    t.true(repairs < 40, `${repairs} repairs`)
    await flowsBecome(calm, t)
  },
)

for (const stage of STAGES) {
  test.serial(`kill -9 of the agent ${stage}: no flow lost or doubled, no request lost`, async t => {
    const load = ask(site.lab)
    await agent().kill()
    const reached = Promise.withResolvers<void>()
    const proxy = standBetween(
      host().path('/run/proxy/br0.mgmt'),
      host().path('/run/openvswitch/br0.mgmt'),
      stage,
      () => {
        agent().process.kill('SIGKILL')
        reached.resolve()
      },
    )
    await site.drop(SECOND, second())
    await agent().start({ ovsRunDir: '/run/proxy' })
    await reached.promise
    proxy.close()
    await agent().start()
    await site.ready('second', 1)
    await agent().until('in place', inPlace)
    await site.remove(SECOND)
    await agent().until('second is gone', status => inPlace(status) && status.services.length === 1)
    await flowsBecome(calm, t)
    await agent().kill()
    await agent().start()
    await calmAgain()
    t.is(Number(agent().status.latest?.switch?.flowChanges), 0, 'the next start changes something')
    await flowsBecome(calm, t)
    const seen = await load.stop()
    t.log(words(seen))
    t.is(seen.lost, 0)
  })
}

test.serial(
  `${KILLS} kills at random moments while services come and go: no request lost, state file intact`,
  async t => {
    const load = ask(site.lab)
    for (let n = 0; n < KILLS; n++) {
      if (n % 2 === 0) await site.drop(SECOND, second())
      else await site.remove(SECOND)
      await delay(Math.random() * 400)
      await agent().kill()
      await agent().start()
    }
    if (KILLS % 2 === 1) await site.remove(SECOND)
    await agent().until('second is gone', status => inPlace(status) && status.services.length === 1)
    await calmAgain()
    await flowsBecome(calm, t)
    const seen = await load.stop()
    t.log(words(seen))
    t.is(seen.lost, 0)
  },
)

test.serial('ovs-vswitchd is killed and started again: the flows are back as soon as by a shell loop', async t => {
  const restart = `${KILL_VSWITCHD}; ${VSWITCHD}`
  await ofctl('dump-flows', '--no-stats', 'br0')
  await sh('ovs-ofctl -O OpenFlow15 --no-stats dump-flows br0 | grep actions= >/run/saved-flows')
  await agent().kill()
  let load = ask(site.lab, { seconds: 0.25 })
  await delay(500)
  await sh(
    `${restart}; until ovs-ofctl -O OpenFlow15 --bundle replace-flows br0 /run/saved-flows 2>/dev/null; do :; done`,
  )
  await addressBack()
  await delay(1000)
  const byShell = await load.stop()
  t.log(`shell loop: ${words(byShell)}`)
  await agent().start()
  await calmAgain()
  load = ask(site.lab, { seconds: 0.25 })
  await delay(500)
  await sh(restart)
  await addressBack()
  await calmAgain()
  await delay(500)
  const byAgent = await load.stop()
  t.log(`agent: ${words(byAgent)}; ${(byAgent.gap / byShell.gap).toFixed(2)} of the shell loop's`)
  await flowsBecome(calm, t)
  const { stdout } = await sh('ovs-vsctl --if-exists get open_vswitch . other_config:flow-restore-wait; echo')
  t.is(stdout.trim(), '')
})

test.serial(
  'ovsdb-server is killed and started again, and then both: nothing is lost but while the switch is away',
  async t => {
    const server =
      'ovsdb-server /etc/openvswitch/conf.db --remote=punix:/run/openvswitch/db.sock --pidfile --detach --no-chdir --log-file=/var/log/openvswitch/ovsdb-server.log 2>/dev/null'
    const kill = killed('/run/openvswitch/ovsdb-server.pid')
    let load = ask(site.lab)
    await sh(kill)
    await agent().until('ovsdb is away', s => s.inputs.some(({ name, state }) => name === 'ovsdb' && state === 'away'))
    t.true(agent().status.latest!.problems.some(({ code }) => code === 'OVSDB_UNREACHABLE'))
    await sh(server)
    await calmAgain()
    let seen = await load.stop()
    t.log(`ovsdb-server: ${words(seen)}`)
    t.is(seen.lost, 0)
    load = ask(site.lab)
    await sh(`${kill}; ${KILL_VSWITCHD}; ${server}; ${VSWITCHD}`)
    await addressBack()
    await calmAgain()
    seen = await load.stop()
    t.log(`both: ${words(seen)}`)
    await flowsBecome(calm, t)
    t.is((await site.request(10)).get('failed'), undefined)
  },
)

test.serial('ofports change, and the bridge is deleted and made anew: the flows follow', async t => {
  const port = await site.lab.vm('web-1').port()
  const { stdout: before } = await sh(`ovs-vsctl get interface ${port} ofport`)
  await sh(`ovs-vsctl set interface ${port} ofport_request=77`)
  await agent().until('in place', inPlace)
  // Seen on the bridge itself: the status may still be about the time before.
  while (!ours(await flows(site.lab, 'rs1')).some(line => line.includes('output:77'))) await delay(20)
  await calmAgain()
  t.is((await site.request(30)).get('failed'), undefined)
  await sh(`ovs-vsctl set interface ${port} ofport_request=${before.trim()}`)
  await calmAgain()

  const { stdout } = await sh('ovs-vsctl list-ports br0')
  const ports = stdout.split('\n').filter(name => name.startsWith('vnet'))
  const adds: string[] = []
  for (const name of ports) {
    const ids = (await sh(`ovs-vsctl get interface ${name} external_ids`)).stdout
    const fields = [...ids.matchAll(/([a-z-]+)="?([^",}]+)"?/g)].map(
      ([, key, value]) => `external_ids:${key}='"${value}"'`,
    )
    adds.push(`-- add-port br0 ${name} -- set interface ${name} ${fields.join(' ')}`)
  }
  const load = ask(site.lab)
  await sh('ovs-vsctl del-br br0')
  await agent().until('no bridge', s => s.inputs.some(({ state }) => state === 'away') || s.problems.length > 0)
  const { mac } = rs1Plan()
  await sh(
    `ovs-vsctl add-br br0 -- set bridge br0 datapath_type=netdev other_config:hwaddr='"${mac}"' -- add-port br0 uplink0 ${adds.join(' ')}`,
  )
  await addressBack()
  await calmAgain()
  const seen = await load.stop()
  t.log(words(seen))
  t.is((await site.request(20)).get('failed'), undefined)
  calm = ours(await flows(site.lab, 'rs1'))
})

test.serial(
  'libvirtd is killed, its socket is gone for a while: no request is lost, and what was missed is learnt',
  async t => {
    const load = ask(site.lab)
    await sh(`${killed('/run/libvirtd.pid')}; rm -f /run/libvirt/libvirt-sock`)
    await agent().until('libvirt is away', s => s.problems.some(({ code }) => code === 'LIBVIRT_UNREACHABLE'))
    await site.drop(SECOND, second())
    await agent().until('the new service', s => s.services.length === 2)
    await site.remove(SECOND)
    await agent().until('it is gone', s => s.services.length === 1)
    await sh('libvirtd -d')
    await calmAgain()
    const seen = await load.stop()
    t.log(words(seen))
    t.is(seen.lost, 0)
    await flowsBecome(calm, t)
  },
)

test.serial(
  'a VM that is paused leaves, and comes back when it goes on; a NIC that is hot-plugged serves nobody',
  async t => {
    const virsh = (...args: string[]) => host().exec(['virsh', '-q', '-c', 'qemu:///system', ...args])
    await virsh('suspend', 'web-3')
    await site.ready('web', 2)
    const load = ask(site.lab)
    const paused = agent().status.latest!.problems.find(({ message }) => message.includes('paused'))
    t.truthy(paused, JSON.stringify(agent().status.latest!.problems))
    await host().writeFile(
      '/run/nic.xml',
      "<interface type='bridge'><mac address='52:54:00:99:00:01'/><source bridge='br0'/><virtualport type='openvswitch'/><model type='virtio'/></interface>",
    )
    const plug = await virsh('attach-device', 'web-1', '/run/nic.xml').then(
      () => true,
      () => false,
    )
    t.log(plug ? 'a NIC was hot-plugged' : 'this VM takes no hot-plugged NIC')
    if (plug) await virsh('detach-device', 'web-1', '/run/nic.xml')
    const seen = await load.stop()
    t.log(words(seen))
    t.is(seen.lost, 0)
    t.is(seen.by.get('web-3'), undefined)
    await virsh('resume', 'web-3')
    await calmAgain()
  },
)

test.serial('two frozen guest agents delay nobody else, are told by name, and heal by themselves', async t => {
  for (const name of ['web-2', 'web-3']) await site.lab.vm(name).exec('kill -STOP $(pidof qemu-ga)')
  const begin = performance.now()
  await site.drop(
    SECOND,
    service({ service: 'second', vip: '10.10.1.101', realServers: [{ vm: 'web-*', port: 8081 }] }),
  )
  await site.ready('second', 1)
  t.log(`served by the third after ${(performance.now() - begin).toFixed(0)} ms`)
  const status = await agent().until('both are named', s =>
    ['web-2', 'web-3'].every(vm =>
      s.problems.some(({ subject, message }) => subject.includes(`second/${vm}`) && /guest agent/i.test(message)),
    ),
  )
  t.log(status.problems.find(({ subject }) => subject.includes('web-2'))?.message ?? '')
  t.is((await site.request(20)).get('failed'), undefined)
  for (const name of ['web-2', 'web-3']) await site.lab.vm(name).exec('kill -CONT $(pidof qemu-ga)')
  await site.ready('second', 3)
  await site.remove(SECOND)
  await agent().until('it is gone', s => inPlace(s) && s.services.length === 1)
  await calmAgain()
})

test.serial(
  'the director is lost, and comes back with another MAC: hosts go on, and answer with the new one',
  async t => {
    const before = await site.director.until('in place', s => s.switch!.installedFlows > 0)
    t.truthy(before)
    const load = ask(site.lab)
    await site.director.kill()
    await agent().until('director away', s => s.problems.some(({ code }) => code === 'REPORT_DISCONNECTED'))
    await agent().kill()
    await agent().start()
    await agent().until(
      'on its own',
      s => s.switch!.installedFlows > 0 && s.switch!.installedFlows === s.switch!.desiredFlows,
    )
    const alone = await load.stop()
    t.log(`without its daemon: ${words(alone)}`)
    t.is(alone.lost, 0)
    const { commits = 0 } = agent().status.latest?.switch ?? {}
    await site.director.start({ directorMac: '02:00:00:00:99:99' })
    await site.ready('web', 3)
    await agent().until('the new MAC', s => inPlace(s) && s.switch!.commits > commits)
    const answer = ours(await flows(site.lab, 'rs1')).filter(line => line.includes(`arp_tpa=${VIP}`))
    t.true(answer.some(line => line.includes('02:00:00:00:99:99')))
    t.log(`${Number(agent().status.latest!.switch!.commits) - Number(commits)} bundles until all was in place`)
    await site.director.kill()
    await site.director.start()
    await calmAgain()
    await site.lab.client.exec(['ip', 'neigh', 'flush', 'all'])
    t.is((await site.request(20)).get('failed'), undefined)
  },
)

test.serial('the disk is full: a clear error, flows untouched, and it heals by itself', async t => {
  const load = ask(site.lab)
  // Its file system is made as small as what is in it.
  await sh('mount -o remount,size=$(df -k --output=used /var/lib/crossport | tail -1 | tr -d " ")k /var/lib/crossport')
  await site.drop(SECOND, second())
  const status = await agent().until('it says so', s => /no space left|full/.test(s.switch?.lastError ?? ''))
  t.regex(status.switch!.lastError, /agent\.db/)
  await flowsBecome(calm, t)
  await sh('mount -o remount,size=100m /var/lib/crossport')
  await site.ready('second', 1)
  await site.remove(SECOND)
  await agent().until('it is gone', s => inPlace(s) && s.services.length === 1)
  await calmAgain()
  const seen = await load.stop()
  t.log(words(seen))
  t.is(seen.lost, 0)
})
