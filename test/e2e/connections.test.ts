import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import { encodeCookie } from '../../shared/flows/cookie.ts'
import { createSite, crossport, type Site, service, silentClient, startEcho, VIP } from './fixture.ts'

// Connections of echo services in three VMs on two hosts: what changes keep them, how the director accounts them, and how
// their clients notice a VM's end.
const LONG = { port: 9000, count: 200, stop: '/run/stop-long-lived' }
const PORT = 9001
const COUNT = 20
let site: Site

test.before(async () => {
  site = await createSite({ hosts: 2, vms: 3 })
  for (const port of [LONG.port, PORT]) await startEcho(site.lab.vms, port)
})

test.after.always(() => site?.down())

const echo = (realServers: readonly object[], more: object = {}) =>
  `${JSON.stringify({ service: 'echo', vip: VIP, port: LONG.port, scheduler: 'rr', drainTimeout: 600, realServers, ...more })}\n`
const rs = (vm: string, more: object = {}) => ({ vm, port: LONG.port, ...more })

test.serial('200 long-lived connections lose none, whatever changes', async t => {
  const { lab, director } = site
  const drop = async (text: string, what: string, accept: Parameters<typeof director.until>[1]) => {
    await site.drop('echo.yaml', text)
    await director.until(what, accept)
  }
  await drop(echo([rs('web-[12]')]), 'two ready', s => states(s).join() === 'ready,ready')
  const program = new URL('programs/long-lived.ts', import.meta.url).pathname
  const holder = await lab.client.spawn([
    process.execPath,
    program,
    VIP,
    String(LONG.port),
    String(LONG.count),
    LONG.stop,
  ])
  await holder.waitForLine(/^open/, 180_000)

  // Each change is in force before the next: added, weighted, scheduled differently, drained, removed.
  await drop(echo([rs('web-*')]), 'a third one', s => states(s).join() === 'ready,ready,ready')
  for (const scheduler of ['wlc', 'sh', 'mh', 'lc', 'sed', 'nq', 'dh', 'wrr']) {
    await drop(echo([rs('web-*')], { scheduler }), scheduler, s => s.services[0]?.scheduler === scheduler)
  }
  const weighed = [rs('web-1', { weight: 3 }), rs('web-2', { weight: 1 }), rs('web-3', { weight: 9 })]
  await drop(echo(weighed), 'weights', s => weights(s).join() === '1,3,9')
  await drop(echo([rs('web-1', { weight: 0 }), rs('web-[23]')]), 'a drained one', s => states(s).includes('draining'))
  await drop(echo([rs('web-[23]')]), 'removed ones stay, drained', s => weights(s).join() === '0,1,1')
  await drop(echo([rs('web-3')]), 'and another', s => weights(s).join() === '0,0,1')
  await drop(echo([rs('web-*')]), 'all back', s => states(s).join() === 'ready,ready,ready')
  const persistence = { timeout: 60 }
  await drop(
    echo([rs('web-*')], { scheduler: 'wlc', persistence }),
    'persistence',
    s => s.services[0]?.scheduler === 'wlc',
  )

  await director.kill()
  await Promise.all(['rs1', 'rs2'].map(host => site.agent(host).kill()))
  await Promise.all([director.start(), ...['rs1', 'rs2'].map(host => site.agent(host).start())])
  await director.until(
    'all back after the restarts',
    s => s.hosts.every(host => host.state === 'connected') && states(s).join() === 'ready,ready,ready',
  )

  const listed = await connections('--json')
  t.is(listed.filter(line => line.includes('"state":"active"')).length, LONG.count)
  await lab.client.writeFile(LONG.stop, '')
  t.deepEqual(JSON.parse(await holder.waitForLine(/^\{/)), { count: LONG.count, lost: [], silent: 0 })
})

/** The lines that `crossport connections` prints. */
async function connections(...args: string[]): Promise<readonly string[]> {
  const { stdout } = await site.lab.director.exec(crossport('director', 'connections', ...args))
  return stdout.split('\n')
}

type Status = Awaited<ReturnType<Site['director']['until']>>
const states = (status: Status) => status.services[0]?.realServers.map(one => one.state).sort() ?? []
const weights = (status: Status) => status.services[0]?.realServers.map(one => one.weight).sort() ?? []

interface Row {
  readonly client: string
  readonly vm: string
  readonly state: string
  readonly age?: number
  readonly packets?: number
  readonly bytes?: number
  readonly atLeast: boolean
}

/** The active connections that `crossport connections` lists, once all of them are accounted. */
async function accounted(count: number): Promise<readonly Row[]> {
  for (;;) {
    const lines = await connections('--json')
    const all = lines.flatMap(line => (line === '' ? [] : (JSON.parse(line) as Row)))
    const rows = all.filter(row => row.state === 'active')
    if (rows.length === count && rows.every(row => row.packets !== undefined)) return rows
  }
}

/** A service of two VMs, one a host. */
async function counted(): Promise<void> {
  const realServers = [{ vm: 'web-[12]', port: PORT }]
  await site.drop('counted.yaml', service({ service: 'counted', port: PORT, realServers }))
  await site.ready('counted', 2)
}

test.serial('age, packets and bytes of each connection, also across a restart of the director', async t => {
  await site.remove('echo.yaml')
  await counted()
  const client = await silentClient(site, 'counted', PORT, COUNT)
  const rows = await accounted(COUNT)
  t.is(new Set(rows.map(row => row.client)).size, COUNT)
  for (const { packets, bytes, age, atLeast } of rows) {
    // SYN, ACK, 100 bytes, ACK: with TCP's options 20 + 40, three times 20 + 32, and the data; some packets may come twice.
    t.false(atLeast)
    t.true(packets! >= 4 && packets! <= 8, `${packets} packets`)
    t.true(bytes! >= 316 && bytes! <= 1000, `${bytes} bytes`)
    t.true(age! < 120)
  }

  await site.director.kill()
  await site.director.start()
  await site.ready('counted', 2)
  // These connections are silent, so they do not count any more; new ones do.
  const again = await silentClient(site, 'again', PORT, 1)
  for (;;) {
    const lines = (await connections()).filter(line => line.includes(`${VIP}:${PORT}`))
    t.is(lines.length, COUNT + 1)
    if (lines.filter(line => / {2}- *$/.test(line)).length === COUNT) break
  }
  client.kill()
  again.kill()
  await Promise.all([client.exited, again.exited])
})

/** Packets that rs2 has taken for clients' requests, by the counters of its flows. */
async function requestsAt(host: string): Promise<number> {
  const cookie = `cookie=0x${encodeCookie('agent', 'request', 0).toString(16)}/0xffffffff00000000`
  const { stdout } = await site.lab.host(host).exec(['ovs-ofctl', '-O', 'OpenFlow15', 'dump-flows', 'br0', cookie])
  return [...stdout.matchAll(/n_packets=(\d+)/g)].reduce((sum, [, packets]) => sum + Number(packets), 0)
}

test.serial('clients that only wait hear at once that their real server is gone', async t => {
  const client = await silentClient(site, 'waiting', PORT, COUNT)
  const rows = (await accounted(COUNT)).filter(row => row.vm === 'web-1')
  t.is(rows.length, COUNT / 2)
  await site.lab.vms.find(vm => vm.name === 'web-1')!.destroy()
  await client.waitForLine(new RegExp(`^ECONNRESET ${COUNT / 2}`), 60_000)
  t.pass()
  client.kill()
  await client.exited
  const web1 = site.lab.vm('web-1')
  await web1.start()
  await startEcho([web1], PORT)
  await site.ready('counted', 2)
})

/** After it the director asks no more (director/outlets/release.ts). */
const SECOND_QUESTION_MS = 4000

test.serial('connections that died long ago are asked about once, and what is said of them is no request', async t => {
  const { lab } = site
  const web1 = lab.vm('web-1')
  await counted()
  const client = await silentClient(site, 'dead', PORT, COUNT)
  await accounted(COUNT)
  const nft = (script: string) => lab.client.exec(['sh', '-c', `/usr/sbin/nft '${script}'`])
  t.teardown(() => nft('delete table ip silence').catch(() => {}))
  // They end, and nobody hears of it.
  await nft('add table ip silence; add chain ip silence out { type filter hook output priority 0; }')
  await nft('add rule ip silence out tcp flags & (fin | rst) != 0 drop')
  client.kill('SIGUSR2')
  await client.waitForLine(/^reset/)
  client.kill()
  await client.exited
  await nft('delete table ip silence')

  const questions = `src host ${VIP} and tcp[4:4] = 0 and tcp[tcpflags] = tcp-ack`
  const dump = await lab.client.spawn(['tcpdump', '--immediate-mode', '-lni', 'eth0', questions], { name: 'questions' })
  await dump.waitForLine(/listening/)
  const asked = async () =>
    (await readFile(dump.log, 'utf8'))
      .matchAll(/ > \S+\.(\d+): Flags/g)
      .map(m => m[1]!)
      .toArray()
  const before = await requestsAt('rs2')
  await web1.destroy()
  await site.ready('counted', 1)
  await delay(SECOND_QUESTION_MS)
  t.is(new Set(await asked()).size, COUNT / 2)
  t.is((await requestsAt('rs2')) - before, 0)
  const times = (await asked()).length
  await web1.start()
  await site.ready('counted', 2)
  await web1.destroy()
  await site.ready('counted', 1)
  await delay(SECOND_QUESTION_MS)
  t.is((await asked()).length, times)
  t.is((await requestsAt('rs2')) - before, 0)
  dump.kill()
  await dump.exited
  await web1.start()
  await startEcho([web1], PORT)
  await site.ready('counted', 2)
})

test.serial('a connection table that is nearly full is said, on the director and on a host', async t => {
  const { lab, director } = site
  for (const [name, status] of [
    ['director', director],
    ['rs2', site.agent('rs2')],
  ] as const) {
    const dpctl = (...args: string[]) => lab.host(name).exec(['ovs-appctl', ...args])
    const { stdout: most } = await dpctl('dpctl/ct-get-maxconns')
    const full = (problems: readonly { code: string }[]) =>
      problems.some(({ code }) => code === 'CONNECTION_TABLE_FULL')
    await dpctl('dpctl/ct-set-maxconns', '1')
    await status.until(`full at ${name}`, s => full(s.problems))
    await dpctl('dpctl/ct-set-maxconns', most.trim())
    await status.until(`room at ${name}`, s => !full(s.problems))
  }
  t.pass()
})

test.serial('accounting: false leaves the switch alone', async t => {
  const sets = () => site.lab.director.exec(['ovs-vsctl', 'list', 'Flow_Sample_Collector_Set'])
  t.regex((await sets()).stdout, /owner=crossport/)
  await site.director.kill('SIGTERM')
  t.notRegex((await sets()).stdout, /owner=crossport/)
  await site.director.start({ accounting: false })
  await site.ready('counted', 2)
  const { stdout } = await site.lab.director.exec(['ovs-ofctl', '-O', 'OpenFlow15', 'dump-flows', 'br0', 'table=104'])
  t.regex(stdout, /reg0=/)
  t.notRegex(stdout, /sample\(/)
  t.notRegex((await sets()).stdout, /owner=crossport/)
})
