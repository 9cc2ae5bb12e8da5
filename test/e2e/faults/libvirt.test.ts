import { copyFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import { service } from '../fixture.ts'
import { guestAgentTests } from './guest-agents.ts'
import { load } from './load.ts'
import { faultSite, hasProblem, SECOND, second } from './site.ts'

// Faults of libvirt and of VMs. Requests to a VM that dies are lost until the fault can be noticed; they are counted
// apart.
const faults = faultSite({
  hosts: 2,
  vms: [{ host: 0 }, { host: 0 }, { host: 0 }, { host: 0 }, { name: 'bare', host: 0, agentChannel: false }],
})
const { agent, host, sh, virsh, calmAgain } = faults
const LIBVIRTD = '/run/libvirtd.pid'

/** No other VM gets a request. */
const ALL = ['web-1', 'web-2', 'web-3', 'web-4'] as const
const served = (by: ReadonlyMap<string, number>) => [...by.keys()].sort().join(' ')
const pidOf = async (vm: string) => (await host().readFile(`/run/libvirt/qemu/${vm}.pid`)).trim()

guestAgentTests(faults)

test.serial('libvirtd is killed, its socket is gone, and what was missed is learnt', async t => {
  const clients = await load(t, faults.lab)
  await sh(
    `p=$(cat ${LIBVIRTD}); kill -9 $p; while kill -0 $p 2>/dev/null; do :; done; rm -f /run/libvirt/libvirt-sock`,
  )
  await agent().until('libvirt is away', hasProblem('LIBVIRT_UNREACHABLE'))
  await faults.site.drop(SECOND, second())
  await faults.site.ready('second', 0)
  await agent().until('the new service', s => s.services.length === 2)
  await faults.site.remove(SECOND)
  await agent().until('it is gone', s => s.services.length === 1)
  // Only Open vSwitch reports this one: its port has vanished.
  await clients.away(async () => {
    await sh(`kill -9 ${await pidOf('web-4')}`)
    await faults.site.ready('web', 3)
  })
  await sh('libvirtd -d')
  await agent().until('libvirt is back', s => !hasProblem('LIBVIRT_UNREACHABLE')(s))
  t.log(await faults.told('web/web-4', /shut off/))
  await faults.lab.vm('web-4').start()
  await calmAgain({ anew: true })
  const seen = await clients.stop()
  t.is(seen.lost - seen.lostAway, 0)
})

test.serial('a VM that is paused leaves, and comes back when it goes on', async t => {
  const clients = await load(t, faults.lab)
  await clients.away(async () => {
    await virsh('suspend', 'web-3')
    await faults.site.ready('web', 3)
  })
  t.log(await faults.told('web/web-3', /paused/))
  const without = await load(t, faults.lab)
  await faults.lab.client.exec(['sleep', '0.5'])
  t.is(served((await without.stop('while it is paused')).by), 'web-1 web-2 web-4')
  await virsh('resume', 'web-3')
  await calmAgain()
  const seen = await clients.stop()
  t.is(seen.lost - seen.lostAway, 0)
})

test.serial('a VM that runs is undefined, and defined again: it serves on', async t => {
  const clients = await load(t, faults.lab)
  const changes = () => Number(agent().status.latest?.switch?.flowChanges)
  const before = changes()
  await sh('virsh -q dumpxml --inactive web-2 >/run/web-2.xml')
  await virsh('undefine', 'web-2')
  await sh('ovs-appctl version')
  await virsh('define', '/run/web-2.xml')
  await calmAgain()
  t.is(changes(), before)
  await clients.answered(...ALL)
  t.is((await clients.stop()).lost, 0)
})

const NIC = (mac: string) =>
  `<interface type='bridge'><mac address='${mac}'/><source bridge='br0'/><virtualport type='openvswitch'/><model type='virtio'/><rom enabled='no'/><driver name='qemu'><host csum='off' gso='off' tso4='off' tso6='off' ecn='off' ufo='off'/><guest csum='off' tso4='off' tso6='off' ecn='off' ufo='off'/></driver></interface>`

test.serial(
  'a NIC that is plugged in serves nobody; the one that serves is pulled out, and plugged in again',
  async t => {
    let clients = await load(t, faults.lab)
    const before = agent().status.latest!.inputs.find(({ name }) => name === 'ovsdb')!.detail
    await host().writeFile('/run/nic.xml', NIC('52:54:00:99:00:01'))
    await virsh('attach-device', 'web-1', '/run/nic.xml')
    await agent().until('its port', s => s.inputs.some(({ name, detail }) => name === 'ovsdb' && detail !== before))
    await calmAgain()
    await virsh('detach-device', 'web-1', '/run/nic.xml')
    await calmAgain()
    let seen = await clients.stop('another one')
    t.is(seen.lost, 0)

    clients = await load(t, faults.lab)
    const { mac } = faults.lab.vm('web-4').plan
    // By turns. For `wlc`, a SYN lost with the NIC would count as a connection of web-4.
    await faults.site.drop('web.yaml', service({ scheduler: 'rr' }))
    await faults.site.director.until('by turns', s => s.services[0]?.scheduler === 'rr')
    await clients.away(async () => {
      await virsh('detach-interface', 'web-4', 'bridge', '--mac', mac)
      await faults.site.ready('web', 3)
    })
    t.log(await faults.told('web/web-4', /./))
    await host().writeFile('/run/nic.xml', NIC(mac))
    await virsh('attach-device', 'web-4', '/run/nic.xml')
    await clients.away(async () => {
      // Does what a distribution's udev rules do.
      await faults.lab
        .vm('web-4')
        .exec('until [ -e /sys/class/net/eth0 ]; do usleep 50000; done; /usr/lib/boot/network')
      await calmAgain({ anew: true })
    })
    seen = await clients.stop('its only one')
    t.is(seen.lost - seen.lostAway, 0)
    clients = await load(t, faults.lab)
    await clients.answered(...ALL)
    t.is((await clients.stop('all of them')).lost, 0)
  },
)

test.serial('a VM crashes, and comes back under another name', async t => {
  const clients = await load(t, faults.lab)
  const begin = performance.now()
  await clients.away(async () => {
    await sh(`kill -9 ${await pidOf('web-3')}`)
    await faults.site.ready('web', 3)
  })
  t.log(`out of scheduling after ${(performance.now() - begin).toFixed(0)} ms`)
  // libvirt cannot rename a running VM.
  await virsh('domrename', 'web-3', 'web-renamed')
  await virsh('start', 'web-renamed')
  await calmAgain({ anew: true })
  const names = agent().status.latest!.services.flatMap(s => s.realServers.map(({ vm }) => vm))
  t.true(names.includes('web-renamed'), names.join())
  const seen = await clients.stop()
  t.is(seen.lost - seen.lostAway, 0)
})

/** libvirtd of rs2, as rs1 reaches it. */
function throughTo(t: ExecutionContext, other: string): string {
  const socket = '/run/other-libvirt-sock'
  const server = createServer(near => {
    const far = connect(faults.lab.host(other).path('/run/libvirt/libvirt-sock'))
    near.pipe(far).pipe(near)
    for (const [a, b] of [
      [near, far],
      [far, near],
    ] as const)
      a.on('error', () => b.destroy())
  }).listen(host().path(socket))
  t.teardown(() => server.close())
  return `qemu+unix:///system?socket=${socket}`
}

test.serial('a VM is migrated live to the other host: requests follow it', async t => {
  const disk = '/var/lib/libvirt/images/web-2.img'
  const [rs2] = faults.lab.plan.hosts.filter(({ name }) => name === 'rs2')
  await copyFile(host().path(disk), faults.lab.host('rs2').path(disk))
  const to = throughTo(t, 'rs2')
  const clients = await load(t, faults.lab)
  await virsh('migrate-setspeed', 'web-2', '1000')
  await clients.away(async () => {
    await virsh('migrate', '--live', '--persistent', '--undefinesource', '--unsafe', 'web-2', to, `tcp://${rs2!.ip}`)
    await faults.site.director.until('it is there', s =>
      s.services.some(({ realServers }) =>
        realServers.some(r => r.vm === 'web-2' && r.host === 'rs2' && r.state === 'ready'),
      ),
    )
    await faults.site.ready('web', 4)
  })
  const seen = await clients.stop()
  t.is(seen.lost - seen.lostAway, 0)
  const after = await load(t, faults.lab)
  await faults.lab.client.exec(['sleep', '1'])
  const { by } = await after.stop('after it')
  t.true(by.has('web-2'))
})
