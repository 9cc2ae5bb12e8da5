import { readFile, writeFile } from 'node:fs/promises'
import test from 'ava'
import { crossport, type Site, service, VIP } from '../e2e/fixture.ts'
import { ECHO, echoService, hold, nothingLost } from './held.ts'

const rs = (vm: string) => ({ vm, port: 8080 })

/**
 * Counters of a host's datapath, `ovs-appctl dpctl/show`: packets that a cached flow has forwarded, and packets sent to vswitchd.
 */
async function lookups({ lab }: Site, host: string): Promise<{ readonly hit: number; readonly missed: number }> {
  const { stdout } = await lab.host(host).exec(['ovs-appctl', 'dpctl/show', 'system@ovs-system'])
  const [, hit, missed] = /lookups: hit:(\d+) missed:(\d+)/.exec(stdout) ?? []
  return { hit: Number(hit), missed: Number(missed) }
}

/** Behaviour of the kernel's datapath alone, and on packets as the kernel has them. */
export function switchTests(site: () => Site): void {
  test.serial('packets of a known connection need no upcall, at the director and at the hosts', async t => {
    await site().drop('echo.yaml', echoService())
    await site().ready('echo', 3)
    const talk = (times: number) => {
      const script = `exec 3<>/dev/tcp/${VIP}/${ECHO}; for i in $(seq ${times}); do echo x >&3; read -r _ <&3; done`
      return site().lab.client.exec(['bash', '-c', script], { timeoutMs: 60_000 })
    }
    await talk(5)
    const hosts = ['director', 'rs1', 'rs2']
    const before = await Promise.all(hosts.map(host => lookups(site(), host)))
    await talk(300)
    const after = await Promise.all(hosts.map(host => lookups(site(), host)))
    const missed = after.map((now, n) => now.missed - before[n]!.missed)
    const hit = after.map((now, n) => now.hit - before[n]!.hit)
    t.log({ missed, hit })
    t.true(hit[0]! > 500, 'two packets of the client for each line pass the director')
    // The connection's first packets, and other traffic of the lab (ARP, reports of agents).
    for (const count of missed) t.true(count < 60, `${count} upcalls`)
  })

  test.serial("the connection table's time-outs are the kernel's: an idle connection is known for minutes", async t => {
    const held = await hold(t, site(), 3)
    const { stdout } = await site().lab.director.exec(['conntrack', '-L', '-p', 'tcp', '--dport', String(ECHO)])
    t.deepEqual(await held.end(), nothingLost(3))
    // Fields of a live connection: protocol, number, seconds left, state.
    const left = stdout.split('\n').flatMap(line => (/ESTABLISHED/.test(line) ? [Number(line.split(/\s+/)[2])] : []))
    t.log(stdout)
    t.true(left.length >= 3, 'established connections')
    for (const seconds of left) t.true(seconds > 600, `${seconds} s left`)
  })

  test.serial('a connection table that is nearly full is said', async t => {
    const MOST = '/proc/sys/net/netfilter/nf_conntrack_max'
    const { lab, director } = site()
    await site().drop('echo.yaml', echoService())
    await site().ready('echo', 3)
    // Without what earlier tests have left, whose entries would end while the table has to be full.
    await lab.director.exec(['conntrack', '-F'])
    const held = await hold(t, site(), 40)
    const before = await readFile(MOST, 'utf8')
    t.teardown(() => writeFile(MOST, before))
    const { stdout } = await lab.director.exec(['cat', '/proc/sys/net/netfilter/nf_conntrack_count'])
    await writeFile(MOST, String(Number(stdout) + 2))
    const isFull = ({ code }: { code: string }) => code === 'CONNECTION_TABLE_FULL'
    const { problems } = await director.until('full', s => s.problems.some(isFull))
    t.log(problems.find(isFull)?.message)
    await writeFile(MOST, before)
    await director.until('room again', s => !s.problems.some(isFull))
    t.deepEqual(await held.end(), nothingLost(40))
  })

  test.serial(
    'a second datapath on the machine, of the other kind, is in nobody’s way: connections are listed',
    async t => {
      const { lab } = site()
      await site().drop('echo.yaml', echoService())
      await site().ready('echo', 3)
      await lab.director.exec(['ovs-vsctl', 'add-br', 'other', '--', 'set', 'bridge', 'other', 'datapath_type=netdev'])
      const held = await hold(t, site(), 3)
      const { stdout } = await lab.director.exec(crossport('director', 'connections', '--json'), { timeoutMs: 60_000 })
      const rows = stdout.split('\n').filter(line => line.includes('"state":"active"'))
      t.is(rows.length, 3)
      for (const row of rows) t.like(JSON.parse(row), { tcpState: 'ESTABLISHED' })
      t.deepEqual(await held.end(), nothingLost(3))
      await lab.director.exec(['ovs-vsctl', 'del-br', 'other'])
    },
  )

  test.serial('a real server that answers SYNs with RST is named, and left alone where the file says so', async t => {
    const { director, lab } = site()
    const vip = '10.10.1.102'
    const closed = (more: object) =>
      service({ service: 'closed', vip, realServers: [rs('web-1'), { vm: 'web-3', port: 8099 }], ...more })
    await site().drop('closed.yaml', closed({}))
    await site().ready('closed', 2)
    const script = `until [ -e /run/named ]; do curl -s -m 5 http://${vip}/; done`
    const clients = lab.client.exec(['sh', '-c', script], { timeoutMs: 60_000 })
    const status = await director.until('named', s =>
      s.problems.some(p => p.code === 'NOT_ACCEPTING' && p.subject === 'closed web-3'),
    )
    const servers = status.services.find(one => one.service === 'closed')!.realServers
    for (const { vm, acceptance } of servers) t.log(`${vm}: ${JSON.stringify(acceptance)}`)
    t.is(servers.find(({ vm }) => vm === 'web-1')!.acceptance!.state, 'accepting')
    t.like(servers.find(({ vm }) => vm === 'web-3')!.acceptance, { state: 'out', accepted: 0 })
    await site().drop('closed.yaml', closed({ passive: { retry: '5m' } }))
    await site().ready('closed', 1)
    await lab.client.writeFile('/run/named', '')
    await clients
    t.deepEqual([...(await site().request(10, `http://${vip}/`))], [['web-1', 10]])
    await site().remove('closed.yaml')
  })

  test.serial('a VM that holds no VIP can neither send from it nor speak ARP for it', async t => {
    const { lab } = site()
    const vm = lab.vm('web-2')
    // On a host that has it, because others have no flows for it.
    const stranger = '10.10.1.101'
    await site().drop('second.yaml', service({ service: 'second', vip: stranger, realServers: [rs('web-1')] }))
    await site().ready('second', 1)
    const capture = await lab.capture('client', `ether host ${vm.plan.mac}`)
    await vm.exec(`ip address add ${stranger}/32 dev eth0; ping -c 1 -W 1 -I ${stranger} 10.10.1.10`)
    await vm.exec(`arping -U -c 1 -w 2 -I eth0 ${stranger}; ip address del ${stranger}/32 dev eth0`)
    // When this last one has arrived, everything before it would have, too.
    t.is((await vm.exec('ping -c 1 -W 9 10.10.1.10')).exitCode, 0)
    const heard = await capture.stop()
    t.true(heard.some(packet => packet.ip?.src === vm.plan.ip))
    t.deepEqual(
      heard.filter(packet => packet.ip?.src === stranger || packet.arp?.spa === stranger),
      [],
    )
    await site().remove('second.yaml')
  })

  test.serial('offloads stay on: what passes the uplinks is larger than a packet on the wire', async t => {
    const { lab } = site()
    const capture = await lab.capture('client', `tcp and src host ${VIP}`)
    const curl = ['curl', '-s', '-m', '60', '-o', '/dev/null', '-w', '%{size_download}', `http://${VIP}/big`]
    t.is((await lab.client.exec(curl, { timeoutMs: 90_000 })).stdout, String(8 * 1024 * 1024))
    const largest = Math.max(...(await capture.stop()).map(packet => packet.length))
    const { stdout } = await lab.host('rs1').exec(['ls', '/sys/class/net/uplink0/queues'])
    t.log({ largest, queues: stdout.replaceAll('\n', ' ') })
    t.true(largest > 1514, `${largest} bytes`)
    t.true(stdout.split('\n').filter(name => name.startsWith('tx-')).length > 1)
  })
}
