import test from 'ava'
import { type Site, VIP } from '../e2e/fixture.ts'
import { ECHO, echoService, hold } from './held.ts'

/** Counters of a host's datapath, `ovs-appctl dpctl/show`: packets that a cached flow took, and those that vswitchd had to be asked about. */
async function lookups({ lab }: Site, host: string): Promise<{ readonly hit: number; readonly missed: number }> {
  const { stdout } = await lab.host(host).exec(['ovs-appctl', 'dpctl/show', 'system@ovs-system'])
  const [, hit, missed] = /lookups: hit:(\d+) missed:(\d+)/.exec(stdout) ?? []
  return { hit: Number(hit), missed: Number(missed) }
}

/** What the kernel's datapath does by itself, and with what the kernel gives it. */
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
    // The connection's own first packets, and what else speaks in a lab (ARP, reports of the agents).
    for (const count of missed) t.true(count < 60, `${count} upcalls`)
  })

  test.serial("the connection table's time-outs are the kernel's: an idle connection is known for minutes", async t => {
    const held = await hold(site(), 3)
    const { stdout } = await site().lab.director.exec(['conntrack', '-L', '-p', 'tcp', '--dport', String(ECHO)])
    t.deepEqual(await held.end(), { count: 3, lost: [], silent: 0 })
    // Of a connection that lives: protocol, number, seconds left, state.
    const left = stdout.split('\n').flatMap(line => (/ESTABLISHED/.test(line) ? [Number(line.split(/\s+/)[2])] : []))
    t.log(stdout)
    t.true(left.length >= 3, 'established connections')
    for (const seconds of left) t.true(seconds > 600, `${seconds} s left`)
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
