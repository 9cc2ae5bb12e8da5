import test from 'ava'
import type { Status__Output } from '../../shared/rpc/gen/crossport/v1/Status.ts'
import { CONTROL_SOCKETS } from '../lab/daemons.ts'
import type { SpaceVm } from '../lab/space.ts'
import { type StatusWatch, watchStatus } from '../lab/status.ts'
import { createSite, SERVICES, type Site, service, VIP } from './fixture.ts'
import { hold, type Lost } from './hold.ts'

// Two directors with the same files. The client's packets go to one and then to the other, as after a fail-over, or behind a
// router that distributes and rehashes them. A director recalls connections whose start it has not seen from the hosts.
const ECHO = { port: 9000, rsPort: 9007 }
const COUNT = 100
const SWAPS = 40
const SWAP_MS = 200
const DIRECTORS = ['director', 'director2'] as const
const ADDRESSES = [100, 101].map(last => `172.24.1.${last}:7473`)
const KILL = 'p=$(cat /run/openvswitch/ovs-vswitchd.pid); kill -9 $p; while kill -0 $p 2>/dev/null; do :; done'
const VSWITCHD =
  'ovs-vswitchd --pidfile --detach --no-chdir --log-file=/var/log/openvswitch/ovs-vswitchd.log 2>/dev/null'
const VMS = [0, 1, 0].map((host, n) => ({ name: `web-${n + 1}`, host, kind: 'space' as const }))
const LONG = { vip: VIP, port: ECHO.port, count: COUNT } as const
/** Longer than anything but an established connection is remembered. */
const HALF_OPEN_S = 60
/** By turns, so that each port gets another real server the next time. */
const FEW = 20
const AGAIN = { vip: VIP, port: ECHO.port, count: FEW, upload: false } as const
const FEW_LEFT: Lost = { count: FEW, lost: [], silent: 0, upload: '' }
const program = (name: string) => new URL(`programs/${name}.ts`, import.meta.url).pathname
const NOTHING_LOST: Lost = { count: COUNT, lost: [], silent: 0, upload: '' }
let site: Site
let second: StatusWatch

test.before(async () => {
  site = await createSite({ hosts: 2, directors: 2, vms: VMS, agentConfig: { director: ADDRESSES } })
  // It serves what its hosts have, where it has no file.
  const hostServices = [{ hosts: 'rs*', vips: [`${VIP}/32`] }]
  await site.lab.startDirector(DIRECTORS[1], { leaseMs: 120_000, hostServices })
  second = watchStatus(site.lab.host(DIRECTORS[1]).path(CONTROL_SOCKETS.director))
  for (const { name } of VMS) {
    const echo = [process.execPath, program('echo-server')]
    const running = await site.lab.host(name).spawn([...echo, '0.0.0.0', '5353', String(ECHO.rsPort)], { name: 'echo' })
    await running.waitForLine(/listening/)
  }
})

test.after.always(async () => {
  second?.close()
  await site?.down()
})

/** Both directors have the service and all three real servers. */
async function serve(more: Record<string, unknown>): Promise<void> {
  const realServers = [{ vm: 'web-*', port: ECHO.rsPort }]
  const text = service({ service: 'echo', port: ECHO.port, realServers, ...more })
  for (const name of DIRECTORS) await site.lab.host(name).writeFile(`${SERVICES}/echo.yaml`, text)
  await ready(String(more.scheduler))
}

async function ready(scheduler = 'rr'): Promise<void> {
  for (const status of [site.director.status, second])
    await status.until('echo as asked', s => {
      const found = s.services.find(one => one.service === 'echo')
      return found?.scheduler === scheduler && found?.realServers.filter(rs => rs.state === 'ready').length === 3
    })
}

/** From now on the client's packets for the VIP go to this director. */
async function turnTo(director: (typeof DIRECTORS)[number]): Promise<void> {
  const { mac } = site.lab.plan.hosts.find(({ name }) => name === director)!
  await site.lab.client.exec(['ip', 'neigh', 'replace', VIP, 'lladdr', mac, 'dev', 'eth0', 'nud', 'permanent'])
}

/** Packets that a host has claimed to a director. */
async function recalled(): Promise<number> {
  const asked = ['rs1', 'rs2'].map(host =>
    site.lab.host(host).exec(['ovs-ofctl', '-O', 'OpenFlow15', 'dump-flows', 'br0', 'table=163']),
  )
  return (await Promise.all(asked))
    .flatMap(({ stdout }) => [...stdout.matchAll(/n_packets=(\d+)/g)])
    .reduce((sum, [, packets]) => sum + Number(packets), 0)
}

/** RSTs that VMs have sent: each shows a packet that came to the wrong VM. */
async function strangers(): Promise<number> {
  const texts = await Promise.all(VMS.map(({ name }) => site.lab.host(name).exec(['cat', '/proc/self/net/snmp'])))
  return texts.reduce((sum, { stdout }) => {
    const [names, values] = stdout
      .split('\n')
      .filter(line => line.startsWith('Tcp:'))
      .map(line => line.split(' '))
    return sum + Number(values![names!.indexOf('OutRsts')])
  }, 0)
}

for (const scheduler of ['rr', 'mh']) {
  test.serial(`another director takes over: no connection is lost (${scheduler})`, async t => {
    await serve({ scheduler })
    await turnTo('director')
    const held = await hold(t, site.lab, LONG)
    const before = await strangers()
    const answered = await recalled()
    await turnTo('director2')
    while ((await recalled()) - answered < COUNT);
    t.deepEqual(await held.end(), NOTHING_LOST)
    t.is(await strangers(), before)
  })

  test.serial(`packets go to one director and the other by turns: none comes to a wrong VM (${scheduler})`, async t => {
    await serve({ scheduler })
    const held = await hold(t, site.lab, LONG)
    const before = await strangers()
    for (let n = 0; n < SWAPS; n++) {
      await turnTo(DIRECTORS[n % 2]!)
      await new Promise(resolve => setTimeout(resolve, SWAP_MS))
    }
    t.deepEqual(await held.end(), NOTHING_LOST)
    t.is(await strangers(), before)
  })
}

/** Seconds for which the host will remember each idle connection of its real servers. */
async function entries(host: string): Promise<readonly number[]> {
  const { stdout } = await site.lab.host(host).exec(['ovs-appctl', 'dpctl/dump-conntrack', '-s', 'zone=16383'])
  return [...stdout.matchAll(/timeout=(\d+),mark=/g)].map(([, seconds]) => Number(seconds))
}

const forget = (where: string) => site.lab.host(where).exec(['ovs-appctl', 'dpctl/flush-conntrack'])

test.serial(
  'a host’s ovs-vswitchd is killed and started again: no connection is lost; it learns them anew',
  async t => {
    await serve({ scheduler: 'rr' })
    await turnTo('director')
    const held = await hold(t, site.lab, LONG)
    const host = site.lab.host('rs1')
    const before = (await entries('rs1')).filter(seconds => seconds > HALF_OPEN_S)
    await host.exec(['sh', '-c', `${KILL}; ${VSWITCHD}; until ip link set br0 up; do sleep 0.05; done`])
    const { ip } = site.lab.plan.hosts.find(({ name }) => name === 'rs1')!
    await host.exec(['ip', 'address', 'replace', `${ip}/24`, 'dev', 'br0'])
    let after: readonly number[]
    do after = await entries('rs1')
    while (after.length < before.length)
    t.deepEqual(
      after.filter(seconds => seconds <= HALF_OPEN_S),
      [],
    )
    await forget('director')
    t.deepEqual(await held.end(), NOTHING_LOST)
  },
)

/** Opens connections from these ports, and closes them. `unheard`: no director sees the close. */
async function brief(first: number, how: 'end' | 'reset', unheard = false): Promise<void> {
  const { client } = site.lab
  const nft = (text: string) => client.exec(['/usr/sbin/nft', '-f', '-'], { input: text })
  const mute = 'chain out { type filter hook output priority 0; tcp flags & rst == rst drop; }\n'
  if (unheard) await nft(`table ip mute { ${mute} }`)
  const argv = [process.execPath, program('brief'), VIP, String(ECHO.port), String(first), String(FEW), how]
  await client.exec(argv)
  if (unheard) await nft('delete table ip mute')
}

test.serial('a client’s ports are used again before anybody knows that it has gone', async t => {
  await serve({ scheduler: 'rr' })
  await turnTo('director')
  await brief(20_000, 'reset', true)
  const before = await strangers()
  const held = await hold(t, site.lab, { ...AGAIN, first: 20_000 })
  t.deepEqual(await held.end(), FEW_LEFT)
  t.is(await strangers(), before)
})

test.serial(
  'a client’s ports are used again by way of another director, and the first one gets its packets',
  async t => {
    await serve({ scheduler: 'rr' })
    await turnTo('director')
    await brief(21_000, 'reset', true)
    const before = await strangers()
    await turnTo('director2')
    const held = await hold(t, site.lab, { ...AGAIN, first: 21_000 })
    await turnTo('director')
    t.deepEqual(await held.end(), FEW_LEFT)
    t.is(await strangers(), before)
  },
)

for (const [how, first] of [
  ['end', 22_000],
  ['reset', 23_000],
] as const) {
  test.serial(`a client’s ports are used again with other real servers, and the table is lost (${how})`, async t => {
    await serve({ scheduler: 'rr' })
    await turnTo('director')
    // Otherwise its own kernel would not use them again.
    await site.lab.client.exec(['sysctl', '-qw', 'net.ipv4.tcp_max_tw_buckets=0'])
    await brief(first, how)
    const before = await strangers()
    const held = await hold(t, site.lab, { ...AGAIN, first })
    const answered = await recalled()
    await forget('director')
    while ((await recalled()) - answered < FEW);
    t.deepEqual(await held.end(), FEW_LEFT)
    t.is(await strangers(), before)
  })
}

test.serial(
  'a director without the file takes nothing from what the other has; where they differ, both are named',
  async t => {
    await serve({ scheduler: 'rr' })
    await turnTo('director')
    const held = await hold(t, site.lab, LONG)
    const agent = site.agent('rs1')
    const [first, other] = ADDRESSES
    const served = ({ services }: Status__Output) =>
      services.map(({ service: name, realServers }) => [name, ...realServers.map(rs => `${rs.rsPort} ${rs.state}`)])
    const before = served(await agent.until('no problem', s => s.problems.length === 0))
    const states = agent.status.latest?.inputs.filter(({ name }) => name.startsWith('director'))
    t.deepEqual(
      states?.map(({ name, state }) => [name, state]),
      [
        [`director ${first}`, 'registered'],
        [`director ${other}`, 'registered'],
      ],
    )
    const differs = service({ service: 'echo', port: ECHO.port, realServers: [{ vm: 'web-*', port: 9999 }] })
    await site.lab.host(DIRECTORS[1]).writeFile(`${SERVICES}/echo.yaml`, differs)
    const told = await agent.until('they differ', s => s.problems.length > 0)
    for (const address of ADDRESSES) t.true(told.problems[0]!.message.includes(address), told.problems[0]!.message)
    t.deepEqual(served(told), before)
    await site.lab.host(DIRECTORS[1]).exec(['rm', `${SERVICES}/echo.yaml`])
    t.deepEqual(served(await agent.until('no problem', s => s.problems.length === 0)), before)
    t.deepEqual(await held.end(), NOTHING_LOST)
    // A director without the file serves what hosts have registered.
    await turnTo('director2')
    t.deepEqual(await (await hold(t, site.lab, { ...AGAIN, first: 24_000 })).end(), FEW_LEFT)
  },
)

test.serial(
  'a VM moves to another host: what is lost is ended and said, and no packet comes to a wrong one',
  async t => {
    await serve({ scheduler: 'rr' })
    await turnTo('director')
    const held = await hold(t, site.lab, LONG)
    const before = await strangers()
    const vm = site.lab.vm('web-3') as SpaceVm
    await vm.move('rs2')
    await ready()
    const { lost, silent } = await held.end()
    // Its new host has no entries of them.
    t.is(silent, 0)
    t.true(lost.length < COUNT)
    t.deepEqual(
      lost.filter(why => why !== 'read ECONNRESET'),
      [],
    )
    await site.director.process.waitForLine(/connections that no host knows were ended/)
    t.is(await strangers(), before)
  },
)
