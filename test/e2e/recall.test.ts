import test from 'ava'
import { load } from './faults/load.ts'
import { createSite, type Site, service, VIP } from './fixture.ts'
import { hold } from './hold.ts'
import { standIn } from './variants.ts'

// The director's connection table is lost: its switch is restarted, its entries are flushed, or another director takes its
// place. Established connections are recalled from the hosts; none is lost, whatever the scheduler.
const ECHO = { port: 9000, rsPort: 9007 }
const LONG = { vip: VIP, port: ECHO.port } as const
const COUNT = 200
const NEW_A_SECOND = 500
const VSWITCHD =
  'ovs-vswitchd --pidfile --detach --no-chdir --log-file=/var/log/openvswitch/ovs-vswitchd.log 2>/dev/null'
const KILL = 'p=$(cat /run/openvswitch/ovs-vswitchd.pid); kill -9 $p; while kill -0 $p 2>/dev/null; do :; done'
const VMS = [0, 1, 2].map(n => ({ name: `web-${n + 1}`, host: n % 2 }))
let site: Site

test.before(async () => {
  const lights = VMS.map(({ host }, n) => ({ name: `light-${n + 1}`, host, kind: 'light' as const }))
  site = await createSite({ hosts: 2, vms: [...VMS, ...lights] })
  for (const [n, { name }] of VMS.entries()) await standIn(site.lab, name, `light-${n + 1}`, VIP)
})

test.after.always(() => site?.down())

const director = (command: string) => site.lab.director.exec(['sh', '-c', command], { check: false })

/** Two services, HTTP and echo, on the three VMs. */
async function serve(more: Record<string, unknown>): Promise<void> {
  await site.drop('web.yaml', service(more))
  const realServers = [{ vm: 'web-*', port: ECHO.rsPort }]
  await site.drop('echo.yaml', service({ service: 'echo', port: ECHO.port, realServers, ...more }))
  for (const name of ['web', 'echo']) {
    await site.director.until(`${name} as asked`, s => {
      const found = s.services.find(one => one.service === name)
      return found?.scheduler === more.scheduler && found?.realServers.filter(rs => rs.state === 'ready').length === 3
    })
  }
}

const NOTHING_LOST = { count: COUNT, lost: [], silent: 0, upload: '' }

/** Each host claims its own connections: counts the packets of the flows that answer the director. */
async function recalled(): Promise<number> {
  const texts = await Promise.all(
    ['rs1', 'rs2'].map(host =>
      site.lab.host(host).exec(['ovs-ofctl', '-O', 'OpenFlow15', 'dump-flows', 'br0', 'table=163']),
    ),
  )
  return texts
    .flatMap(({ stdout }) => [...stdout.matchAll(/n_packets=(\d+)/g)])
    .reduce((sum, [, packets]) => sum + Number(packets), 0)
}

for (const [name, more] of Object.entries({
  rr: { scheduler: 'rr' },
  wlc: { scheduler: 'wlc' },
  mh: { scheduler: 'mh' },
  'wlc with persistence': { scheduler: 'wlc', persistence: { timeout: 300 } },
})) {
  test.serial(`the director’s ovs-vswitchd is killed and started again: no connection is lost (${name})`, async t => {
    await serve(more)
    const held = await hold(t, site.lab, { ...LONG, count: COUNT })
    const clients = await load(t, site.lab, { everyMs: 1000 / NEW_A_SECOND })
    await clients.away(async () => {
      await director(`${KILL}; ${VSWITCHD}`)
      const { ip } = site.lab.plan.hosts.find(({ role }) => role === 'director')!
      await director(`until ip link set br0 up; do sleep 0.05; done; ip address replace ${ip}/24 dev br0`)
      await site.ready('echo', 3)
    })
    const seen = await clients.stop(name)
    t.is(seen.lost - seen.lostAway, 0)
    t.deepEqual(await held.end(), NOTHING_LOST)
    t.log(`${await recalled()} packets recalled so far`)
  })
}

const CLIENTS = Array.from({ length: 12 }, (_, n) => `10.10.1.${60 + n}`)

/** The VMs that answer the clients, which ask one after the other. */
async function answers(): Promise<string> {
  const ask = CLIENTS.map(ip => `curl -s -m 5 --interface ${ip} http://${VIP}/ || echo failed`)
  return (await site.lab.client.exec(['sh', '-c', ask.join('; ')], { timeoutMs: 60_000 })).stdout
}

test.serial('persistent clients go to the real server of before, also when the table is lost', async t => {
  for (const ip of CLIENTS) await site.lab.client.exec(['ip', 'address', 'add', `${ip}/24`, 'dev', 'eth0'])
  await serve({ scheduler: 'rr', persistence: { timeout: 300 } })
  // By turns: if they were scheduled anew, each would get another real server.
  const before = await answers()
  t.false(before.includes('failed'))
  t.is(await answers(), before)
  for (const restarted of [false, false, true]) {
    await director(`${KILL}; ${VSWITCHD}`)
    const { ip } = site.lab.plan.hosts.find(({ role }) => role === 'director')!
    await director(`until ip link set br0 up; do sleep 0.05; done; ip address replace ${ip}/24 dev br0`)
    await site.director.until(
      'flows in force',
      ({ switch: sw }) => sw !== null && sw.installedFlows === sw.desiredFlows,
    )
    await site.ready('web', 3)
    if (restarted) {
      await site.director.kill()
      await site.director.start()
      await site.ready('web', 3)
    }
    // One client asks before the others, out of turn.
    await site.request(1)
    t.is(await answers(), before, restarted ? 'after a restart of the director, too' : '')
  }
})

test.serial('the table is flushed under load, ten times: no connection is lost, and recall does not go on', async t => {
  await serve({ scheduler: 'rr' })
  const held = await hold(t, site.lab, { ...LONG, count: COUNT })
  for (let n = 0; n < 10; n++) {
    const before = await recalled()
    await director('ovs-appctl dpctl/flush-conntrack')
    while ((await recalled()) - before < COUNT);
  }
  t.deepEqual(await held.end(), NOTHING_LOST)
})

test.serial('a connection that no host knows is reset within two seconds, and not asked for any more', async t => {
  await serve({ scheduler: 'rr' })
  const held = await hold(t, site.lab, { ...LONG, count: 20, upload: false })
  // A host would learn the connection again from any packet that is forwarded by its mark.
  await site.lab.client.exec(['ip', 'link', 'set', 'eth0', 'down'])
  for (const host of ['rs1', 'rs2']) await site.lab.host(host).exec(['ovs-appctl', 'dpctl/flush-conntrack'])
  await director('ovs-appctl dpctl/flush-conntrack')
  await site.lab.client.exec(['ip', 'link', 'set', 'eth0', 'up'])
  // Each connection sends twice a second. Without an answer none of them ends by itself for minutes.
  const open = `ss -Htn state established dport = :${ECHO.port} | wc -l`
  await site.lab.client.exec(['sh', '-c', `until [ $(${open}) = 0 ]; do sleep 0.05; done`], { timeoutMs: 20_000 })
  const ended = await held.end()
  t.deepEqual(ended, { count: 20, lost: Array.from({ length: 20 }, () => 'read ECONNRESET'), silent: 0, upload: '' })
})
