import test from 'ava'
import { CONTROL_SOCKETS } from '../lab/daemons.ts'
import { type StatusWatch, watchStatus } from '../lab/status.ts'
import { createSite, SERVICES, type Site, service, VIP } from './fixture.ts'
import { hold, type Lost } from './hold.ts'

// Two directors with the same files. The client's packets go to the one, then to the other, as after a fail-over, or with
// a router that shares them out and rehashes. What a director has not seen begin it recalls from the hosts.
const ECHO = { port: 9000, rsPort: 9007 }
const COUNT = 100
const SWAPS = 40
const SWAP_MS = 200
const DIRECTORS = ['director', 'director2'] as const
const KILL = 'p=$(cat /run/openvswitch/ovs-vswitchd.pid); kill -9 $p; while kill -0 $p 2>/dev/null; do :; done'
const VSWITCHD =
  'ovs-vswitchd --pidfile --detach --no-chdir --log-file=/var/log/openvswitch/ovs-vswitchd.log 2>/dev/null'
const VMS = [0, 1, 0].map((host, n) => ({ name: `web-${n + 1}`, host, kind: 'space' as const }))
const LONG = { vip: VIP, port: ECHO.port, count: COUNT } as const
const NOTHING_LOST: Lost = { count: COUNT, lost: [], silent: 0, upload: '' }
let site: Site
let second: StatusWatch

test.before(async () => {
  const addresses = [100, 101].map(last => `172.24.1.${last}:7473`)
  site = await createSite({ hosts: 2, directors: 2, vms: VMS, agentConfig: { director: addresses } })
  await site.lab.startDirector(DIRECTORS[1], { leaseMs: 120_000 })
  second = watchStatus(site.lab.host(DIRECTORS[1]).path(CONTROL_SOCKETS.director))
  for (const { name } of VMS) {
    const echo = [process.execPath, new URL('programs/echo-server.ts', import.meta.url).pathname]
    const running = await site.lab.host(name).spawn([...echo, '0.0.0.0', '5353', String(ECHO.rsPort)], { name: 'echo' })
    await running.waitForLine(/listening/)
  }
})

test.after.always(async () => {
  second?.close()
  await site?.down()
})

/** Both directors have it, and all three real servers. */
async function serve(more: Record<string, unknown>): Promise<void> {
  const realServers = [{ vm: 'web-*', port: ECHO.rsPort }]
  const text = service({ service: 'echo', port: ECHO.port, realServers, ...more })
  for (const name of DIRECTORS) await site.lab.host(name).writeFile(`${SERVICES}/echo.yaml`, text)
  for (const status of [site.director.status, second])
    await status.until('echo as asked', s => {
      const found = s.services.find(one => one.service === 'echo')
      return found?.scheduler === more.scheduler && found?.realServers.filter(rs => rs.state === 'ready').length === 3
    })
}

/** The client's packets for the VIP go to this director from now on. */
async function turnTo(director: (typeof DIRECTORS)[number]): Promise<void> {
  const { mac } = site.lab.plan.hosts.find(({ name }) => name === director)!
  await site.lab.client.exec(['ip', 'neigh', 'replace', VIP, 'lladdr', mac, 'dev', 'eth0', 'nud', 'permanent'])
}

/** RSTs that VMs have sent: each tells of a packet that came to the wrong one. */
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
    await turnTo('director2')
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

test.serial(
  'a host’s ovs-vswitchd is killed and started again: no connection is lost, and it learns them anew',
  async t => {
    await serve({ scheduler: 'rr' })
    const held = await hold(t, site.lab, LONG)
    const host = site.lab.host('rs1')
    await host.exec(['sh', '-c', `${KILL}; ${VSWITCHD}; until ip link set br0 up; do sleep 0.05; done`])
    const { ip } = site.lab.plan.hosts.find(({ name }) => name === 'rs1')!
    await host.exec(['ip', 'address', 'replace', `${ip}/24`, 'dev', 'br0'])
    t.deepEqual(await held.end(), NOTHING_LOST)
  },
)
