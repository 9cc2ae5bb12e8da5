import { readFile, writeFile } from 'node:fs/promises'
import test from 'ava'
import { type Site, service, VIP } from '../e2e/fixture.ts'
import { ECHO, echoService, hold, nothingLost } from './held.ts'

const FLOOD = new URL('../segment/flood.ts', import.meta.url).pathname
const MOST = '/proc/sys/net/netfilter/nf_conntrack_max'
/** The kernel looks for what it may give up in eight of them, so there must not be many more than entries. */
const BUCKETS = '/proc/sys/net/netfilter/nf_conntrack_buckets'
const D = '02:00:00:00:01:00'
const PER_SECOND = 400
const ROOM = 300
/** Many more than there is room for. */
const SOURCES = '3000'
const HELD = 6
const REQUESTS = 9

/** What fills the kernel's connection table, which has no limit for each zone (shared/switch/vswitchd.ts). */
export function floodTests(site: () => Site): void {
  test.serial("a flood of SYNs fills the kernel's table: connections go on, and nobody is taken out", async t => {
    const { lab, director, drop, ready } = site()
    await drop('echo.yaml', echoService())
    await drop('web.yaml', service({ passive: { fall: 3, retry: 10 } }))
    await ready('echo', lab.vms.length)
    await ready('web', lab.vms.length)
    // Real servers answer the SYNs of nobody, by way of a machine that does not forward.
    for (const vm of lab.vms) await vm.exec('ip route replace 198.18.0.0/15 via 10.10.1.10')
    const held = await hold(t, site(), HELD)
    const count = async () =>
      Number((await lab.director.exec(['cat', '/proc/sys/net/netfilter/nf_conntrack_count'])).stdout)
    const sizes = [BUCKETS, MOST]
    const before = await Promise.all(sizes.map(file => readFile(file, 'utf8')))
    const putBack = async () => {
      for (const [i, file] of sizes.entries()) await writeFile(file, before[i]!)
    }
    t.teardown(putBack)
    await writeFile(BUCKETS, '512')
    const most = (await count()) + ROOM
    await writeFile(MOST, String(most))
    const argv = [process.execPath, FLOOD, 'eth0', 'syn', D, VIP, String(ECHO), String(PER_SECOND), SOURCES]
    const flood = await lab.client.spawn(argv, { name: 'flood' })
    t.teardown(() => flood.kill('SIGKILL'))
    const isFull = ({ code }: { code: string }) => code === 'CONNECTION_TABLE_FULL'
    const { problems } = await director.until('full', s => s.problems.some(isFull))
    const counts = await site().request(REQUESTS)
    const failed = counts.get('failed') ?? 0
    const there = await count()
    flood.kill('SIGKILL')
    await putBack()
    console.log(
      `SYN flood on the kernel's datapath, ${PER_SECOND} a second, room for ${ROOM}: ${REQUESTS - failed} of ${REQUESTS} new connections served, ${there} of ${most} entries; "${problems.find(isFull)?.message}"`,
    )
    t.deepEqual(await held.end(), nothingLost(HELD))
    // Entries that are being made are counted, too.
    t.true(there <= most + 64, `${there}`)
    const { problems: after } = await director.until('room again', s => !s.problems.some(isFull))
    t.deepEqual(
      after.filter(({ code }) => code === 'NOT_ACCEPTING' || code === 'PANIC'),
      [],
    )
    await drop('web.yaml', service())
    await ready('web', lab.vms.length)
  })
}
