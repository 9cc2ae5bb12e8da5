import { readFile } from 'node:fs/promises'
import test, { type ExecutionContext } from 'ava'
import type { LabProcess } from '../lab/place.ts'
import type { FloodFrames } from '../segment/flood-frames.ts'
import { load } from './faults/load.ts'
import { createSite, type Site, service, VIP } from './fixture.ts'
import { hold } from './hold.ts'

// Machines that flood a VIP with real frames from random sources, while established connections send and clients make new ones.
// Shares are measured and printed; what is asserted holds on a slow machine, too.
const FLOOD = new URL('../segment/flood.ts', import.meta.url).pathname
const ECHO_SERVER = new URL('programs/echo-server.ts', import.meta.url).pathname
const D = '02:00:00:00:01:00'
const [WEB, ECHO, DNS] = [80, 9000, 53]
/** More than one flood sends. */
const SOURCES = '50000'
const HELD = 20
/** Most connections of one service, so that a flood reaches the limit within seconds. */
const LIMIT = 8000
/** Of the new connections, at least so many must get through, on a machine that others share. */
const LEAST = 0.7
const MIB = 2 ** 20
/** MiB that neither the director nor its switch needs, whatever is sent. */
const MEMORY = 400
/** As in its unit file. */
const UNIT = { NODE_OPTIONS: '--max-semi-space-size=4', MALLOC_ARENA_MAX: '1' }
const outcomes: string[] = []
let site: Site

test.before(async () => {
  const vms = [0, 1, 0].map((host, n) => ({ name: `web-${n + 1}`, host, kind: 'space' as const }))
  site = await createSite({ hosts: 2, vms, directorConfig: { connectionLimit: LIMIT }, directorEnv: UNIT })
  // Real servers answer the SYNs of nobody, by way of a machine that does not forward.
  for (const vm of site.lab.vms) await vm.exec('ip route add 198.18.0.0/15 via 10.10.1.10')
  await site.drop('web.yaml', service({ passive: { fall: 3, retry: 10 } }))
  const echo = [{ vm: 'web-*', port: ECHO }]
  const dns = [{ vm: 'web-*', port: DNS }]
  await site.drop('echo.yaml', service({ service: 'echo', port: ECHO, scheduler: 'wlc', realServers: echo }))
  await site.drop('dns.yaml', service({ service: 'dns', port: DNS, protocol: 'udp', realServers: dns }))
  for (const name of ['web', 'echo', 'dns']) await site.ready(name, 3)
  for (const { name } of site.lab.vms) {
    const server = [process.execPath, ECHO_SERVER, VIP, String(DNS), String(ECHO)]
    const running = await site.lab.host(name).spawn(server, { name: 'echo' })
    await running.waitForLine(/listening/)
  }
})

test.after.always(async () => {
  for (const line of outcomes) console.log(line)
  await site?.down()
})

/** Sends until `stop`, which returns how many frames a second were sent. */
async function flood(t: ExecutionContext, kind: FloodFrames, port: number, perSecond: number) {
  const argv = [process.execPath, FLOOD, 'eth0', kind, D, VIP, String(port), String(perSecond), SOURCES]
  const child = await site.lab.client.spawn(argv, { name: `flood-${kind}-${port}` })
  t.teardown(() => child.kill('SIGKILL'))
  await child.waitForLine(/sending/)
  return async () => {
    child.kill('SIGKILL')
    await child.exited
    return sentBy(child)
  }
}

async function sentBy({ log }: LabProcess): Promise<number> {
  const counts = (await readFile(log, 'utf8')).split('\n').filter(line => /^\d+$/.test(line))
  return counts.length === 0 ? 0 : Math.round(counts.reduce((sum, n) => sum + Number(n), 0) / counts.length)
}

const pidOf = async (daemon: string) => {
  const { stdout } = await site.lab.director.exec(['cat', `/run/openvswitch/${daemon}.pid`])
  return stdout
}

/** Resident memory of the director and of its switch, MiB. */
async function memory() {
  const vswitchd = await pidOf('ovs-vswitchd')
  const status = [
    await readFile(`/proc/${site.director.process.pid}/status`, 'utf8'),
    (await site.lab.director.exec(['cat', `/proc/${vswitchd}/status`])).stdout,
  ]
  const [director, vswitch] = status.map(text => Number(/^VmRSS:\s+(\d+) kB/m.exec(text)?.[1]) * 1024)
  return { director: Math.round(director! / MIB), switch: Math.round(vswitch! / MIB) }
}

const entries = async () => Number((await site.lab.director.exec(['ovs-appctl', 'dpctl/ct-get-nconns'])).stdout)
const problemsOf = (code: string) => site.director.status.latest!.problems.filter(problem => problem.code === code)

/** Plays floods while clients connect to `web`, and connections to `echo` stay open. */
async function play(
  t: ExecutionContext,
  attack: string,
  floods: readonly (readonly [kind: FloodFrames, port: number, perSecond: number])[],
  told: readonly RegExp[],
) {
  const before = await memory()
  const held = await hold(t, site.lab, { vip: VIP, port: ECHO, count: HELD, upload: false })
  const clients = await load(t, site.lab, { everyMs: 50 })
  const stops = await Promise.all(floods.map(([kind, port, perSecond]) => flood(t, kind, port, perSecond)))
  const since = Date.now()
  let said = 'nothing is said'
  if (told.length === 0) await new Promise(resolve => setTimeout(resolve, 4000))
  else {
    const isTold = ({ code, message }: { code: string; message: string }) =>
      code === 'FLOOD' && told.some(words => words.test(message))
    const { problems } = await site.director.until(attack, s =>
      told.every(words => s.problems.some(problem => isTold(problem) && words.test(problem.message))),
    )
    const flooded = problems.filter(isTold)
    said = `"${flooded.map(({ subject, message }) => `${subject}: ${message}`).join('", "')}"`
    for (const { message } of flooded) {
      const at = Date.parse(/since (\S+),/.exec(message)![1]!)
      t.true(at > since - 10_000 && at < Date.now(), message)
    }
  }
  const sent = (await Promise.all(stops.map(stop => stop()))).reduce((sum, n) => sum + n, 0)
  const [lost, seen, after, table] = [await held.end(), await clients.stop(attack), await memory(), await entries()]
  const share = (seen.sent - seen.lost) / seen.sent
  outcomes.push(
    `${attack}, ${sent} a second: ${HELD - lost.lost.length - lost.silent} of ${HELD} connections went on, ${(100 * share).toFixed(0)} % of ${seen.sent} new ones served; ` +
      `memory of the director from ${before.director} to ${after.director} MiB, of its switch from ${before.switch} to ${after.switch}, ${table} entries; ${said}`,
  )
  t.deepEqual(lost, { count: HELD, lost: [], silent: 0, upload: '' })
  t.true(share >= LEAST, `${share}`)
  t.true(after.director < MEMORY && after.switch < MEMORY, JSON.stringify(after))
  // Each service has its part, and the rest of the table is a few entries.
  t.true(table < 4 * LIMIT, `${table}`)
}

test.serial('SYNs from random sources, answered and never followed', async t => {
  const syns = [
    ['syn', WEB, 3000],
    ['syn', ECHO, 3000],
  ] as const
  await play(t, 'SYN flood', syns, [/SYNs that no further packet follows/])
  t.deepEqual(problemsOf('NOT_ACCEPTING'), [])
  t.deepEqual(problemsOf('PANIC'), [])
})

test.serial('a service whose part of the table is full is named, and goes on; others have room', async t => {
  const stop = await flood(t, 'syn', ECHO, 6000)
  const { problems } = await site.director.until('full', s => s.problems.some(p => p.code === 'CONNECTION_TABLE_FULL'))
  const full = problems.filter(({ code }) => code === 'CONNECTION_TABLE_FULL')
  t.regex(full[0]!.message, new RegExp(`of ${LIMIT} entries`))
  const clients = await load(t, site.lab, { everyMs: 50 })
  // The connections of the service itself are recalled, packet by packet.
  const held = await hold(t, site.lab, { vip: VIP, port: ECHO, count: 5, upload: false })
  const lost = await held.end()
  const seen = await clients.stop('full')
  await stop()
  const limits = await site.lab.director.exec(['ovs-appctl', 'dpctl/ct-get-limits'])
  outcomes.push(
    `${full.map(({ subject, message }) => `"${subject}: ${message}"`).join(', ')}: ${5 - lost.lost.length - lost.silent} of 5 new connections of it go on, ${seen.sent - seen.lost} of ${seen.sent} of another service`,
  )
  t.log(limits.stdout)
  t.deepEqual(lost, { count: 5, lost: [], silent: 0, upload: '' })
  t.true((seen.sent - seen.lost) / seen.sent >= LEAST)
  t.deepEqual(problemsOf('NOT_ACCEPTING'), [])
})

test.serial('packets of connections that nobody knows', t =>
  play(t, 'strays', [['ack', WEB, 6000]], [/packets of connections that no host knows/]),
)

test.serial('forged ICMP errors, and ARP for the VIP', t => {
  const floods = [
    ['icmp-error', WEB, 3000],
    ['arp', WEB, 3000],
  ] as const
  return play(t, 'ICMP errors and ARP', floods, [/ICMP errors/, /ARP or ND requests/])
})

test.serial('UDP from random sources, to a service and to random ports, and fragments', t => {
  const floods = [
    ['udp', DNS, 2000],
    ['udp-ports', 0, 2000],
    ['fragment', WEB, 2000],
  ] as const
  return play(t, 'UDP and fragments', floods, [])
})

test.serial('a flood that has ended is said no longer', async t => {
  const floods = problemsOf('FLOOD').map(({ message }) => message)
  t.log(floods)
  await site.director.until('quiet', s => !s.problems.some(({ code }) => code === 'FLOOD'))
  outcomes.push(
    `what is said of ${floods.length} floods at the end is said no longer when they have been over for 10 s`,
  )
  t.pass()
})
