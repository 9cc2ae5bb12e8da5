import test from 'ava'
import { CONTROL_SOCKETS } from '../lab/daemons.ts'
import { createSite, type Site, silentClient, startEcho, VIP } from './fixture.ts'

// Connections of an echo service in two VMs, as the director accounts them, and as their clients hear of a VM's end.
const PORT = 9000
const COUNT = 20
let site: Site

test.before(async () => {
  site = await createSite({ hosts: 1, vms: 2 })
  await startEcho(site.lab.vms, PORT)
  const realServers = [{ vm: 'web-*', port: PORT }]
  await site.drop('echo.yaml', JSON.stringify({ service: 'echo', vip: VIP, port: PORT, scheduler: 'rr', realServers }))
  await site.ready('echo', 2)
})

test.after.always(() => site?.down())

interface Row {
  readonly client: string
  readonly vm: string
  readonly state: string
  readonly age?: number
  readonly packets?: number
  readonly bytes?: number
  readonly atLeast: boolean
}

/** What `crossport connections` says of those that are active, once all of them are accounted. */
async function accounted(count: number): Promise<readonly Row[]> {
  const cli = [process.execPath, new URL('../../cli/main.ts', import.meta.url).pathname, 'connections', '--json']
  for (;;) {
    const { stdout } = await site.lab.director.exec([...cli, '--socket', CONTROL_SOCKETS.director])
    const all = stdout.split('\n').flatMap(line => (line === '' ? [] : (JSON.parse(line) as Row)))
    const rows = all.filter(row => row.state === 'active')
    if (rows.length === count && rows.every(row => row.packets !== undefined)) return rows
  }
}

test.serial('age, packets and bytes of each connection, also across a restart of the director', async t => {
  const client = await silentClient(site, 'counted', PORT, COUNT)
  const rows = await accounted(COUNT)
  t.is(new Set(rows.map(row => row.client)).size, COUNT)
  for (const { packets, bytes, age, atLeast } of rows) {
    // SYN, ACK, 100 bytes, ACK: with TCP's options 20 + 40, three times 20 + 32, and what was said; some may come twice.
    t.false(atLeast)
    t.true(packets! >= 4 && packets! <= 8, `${packets} packets`)
    t.true(bytes! >= 316 && bytes! <= 1000, `${bytes} bytes`)
    t.true(age! < 120)
  }

  await site.director.kill()
  await site.director.start()
  await site.ready('echo', 2)
  // They are silent, so nobody counts them any more; what comes now is counted.
  const again = await silentClient(site, 'again', PORT, 1)
  const cli = [process.execPath, new URL('../../cli/main.ts', import.meta.url).pathname, 'connections']
  for (;;) {
    const { stdout } = await site.lab.director.exec([...cli, '--socket', CONTROL_SOCKETS.director])
    const lines = stdout.split('\n').filter(line => line.includes(`${VIP}:${PORT}`))
    t.is(lines.length, COUNT + 1)
    if (lines.filter(line => / {2}- *$/.test(line)).length === COUNT) break
  }
  client.kill()
  again.kill()
  await Promise.all([client.exited, again.exited])
})

test.serial('clients that only wait hear at once that their real server is gone', async t => {
  const client = await silentClient(site, 'waiting', PORT, COUNT)
  const rows = (await accounted(COUNT)).filter(row => row.vm === 'web-1')
  t.is(rows.length, COUNT / 2)
  await site.lab.vms.find(vm => vm.name === 'web-1')!.destroy()
  await client.waitForLine(new RegExp(`^ECONNRESET ${COUNT / 2}`), 60_000)
  t.pass()
  client.kill()
  await client.exited
})

test.serial('accounting: false leaves the switch alone', async t => {
  const sets = () => site.lab.director.exec(['ovs-vsctl', 'list', 'Flow_Sample_Collector_Set'])
  t.regex((await sets()).stdout, /owner=crossport/)
  await site.director.kill('SIGTERM')
  t.notRegex((await sets()).stdout, /owner=crossport/)
  await site.director.start({ accounting: false })
  await site.ready('echo', 1)
  const { stdout } = await site.lab.director.exec(['ovs-ofctl', '-O', 'OpenFlow15', 'dump-flows', 'br0', 'table=104'])
  t.regex(stdout, /reg0=/)
  t.notRegex(stdout, /sample\(/)
  t.notRegex((await sets()).stdout, /owner=crossport/)
})
