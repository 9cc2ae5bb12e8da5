import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { cleanupOf, tempDir } from '../cleanup.ts'
import { curl, networkForFile, program, startProgram, VIP } from './network.ts'
import { directory, inSwitch, realServer, scheduled, startAgent, startDirector } from './running.ts'

// The life of a real server as its clients see it, between a real switch and scripted agents.

const prepared = networkForFile()
const service = (more: string, realServers = '{ vm: web-*, port: 8080 }') =>
  `service: web\nvip: ${VIP}\nport: 80\nrealServers: [${realServers}]\n${more}\n`

/** Holds connections that send ten times a second; prints `open` once all are open, then received data and errors. */
const hold = (count: number) => `const { connect } = require('net')
let n = 0
for (let i = 0; i < ${count}; i++) {
  const s = connect(80, '${VIP}', () => { if (++n === ${count}) console.log('open') })
  s.on('error', e => console.log(e.code)); s.on('data', data => console.log(/web-\\d/.exec(data)[0]))
  setInterval(() => s.write('x'), 100)
}`

/** The next line that it prints. */
const heard = async ({ stdout }: ChildProcess) => String((await once(stdout!, 'data'))[0])

test.serial('onFailure: the connections of one that is down are kept, or reset through the director', async t => {
  const network = await prepared(t)
  const dir = await directory(t)
  await writeFile(`${dir}/services.d/web.yaml`, service('onFailure: keep'))
  const director = await startDirector(t, network, dir)
  const first = startAgent(t, network, dir, 0, [realServer('web-0')])
  await director.until(inSwitch(1))
  const client = await startProgram(cleanupOf(t), network.client, /open/, [process.execPath, '-e', hold(1)])
  startAgent(t, network, dir, 1, [realServer('web-1')])
  await director.until(inSwitch(2))

  first.update([realServer('web-0', { state: 'down', reason: 'it fails its check' })])
  await director.until(inSwitch(1))
  t.deepEqual([...(await curl(network, 10))], [['web-1', 10]])
  t.regex(await heard(client), /^web-0\n/)
  await writeFile(`${dir}/services.d/web.yaml`, service('onFailure: reset'))
  for (;;) {
    const said = await heard(client)
    if (/ECONNRESET/.test(said)) break
    t.regex(said, /^(web-0\n)+$/)
  }
  t.pass()
})

test.serial('lthreshold: a full real server gets new connections again when it has fewer', async t => {
  const network = await prepared(t)
  const dir = await directory(t)
  const entries = '{ vm: web-0, port: 8080, weight: 9, uthreshold: 5, lthreshold: 3 }, { vm: web-1, port: 8080 }'
  await writeFile(`${dir}/services.d/web.yaml`, service('scheduler: wlc', entries))
  const director = await startDirector(t, network, dir)
  startAgent(t, network, dir, 0, [realServer('web-0', { weight: 9 })])
  startAgent(t, network, dir, 1, [realServer('web-1')])
  await director.until(inSwitch(2))
  const client = await startProgram(cleanupOf(t), network.client, /open/, [process.execPath, '-e', hold(30)])
  const { services } = await director.until(inSwitch(1))
  t.regex(services[0]!.realServers.find(rs => rs.vm === 'web-0')!.reason, /^full: 5 active connections$/)
  t.deepEqual([...(await curl(network, 10)).keys()], ['web-1'])
  client.kill()
  await director.until(inSwitch(2))
  t.true((await curl(network, 30)).has('web-0'))
})

test.serial('persistence: the mask says which addresses are one client', async t => {
  const network = await prepared(t)
  const dir = await directory(t)
  const file = (mask: string) => service(`scheduler: rr\npersistence: { timeout: 60, mask: ${mask} }`)
  await writeFile(`${dir}/services.d/web.yaml`, file('255.255.255.0'))
  const director = await startDirector(t, network, dir)
  for (const n of [0, 1]) startAgent(t, network, dir, n, [realServer(`web-${n}`)])
  await director.until(inSwitch(2))
  t.teardown(() => network.client.run('ip address flush dev eth0 secondary'))
  const from = async (first: number) => {
    const script = `for i in $(seq ${first} ${first + 15}); do ip address add 10.10.1.$i/24 dev eth0 &&
      curl -sS --max-time 5 --interface 10.10.1.$i http://${VIP}/ || exit 1; done`
    return new Set((await network.client.run(script)).split('\n'))
  }
  t.is((await from(30)).size, 1)
  const { commits } = (await director.status()).switch!
  await writeFile(`${dir}/services.d/web.yaml`, file('255.255.255.255'))
  await director.until(status => Number(status.switch?.commits) > Number(commits))
  // By chance alone they agree once in 32,768 times.
  t.is((await from(60)).size, 2)
})

test.serial('UDP flows have a timeout of their own: who has been silent for so long is scheduled anew', async t => {
  const network = await prepared(t)
  const dir = await directory(t)
  for (const [n, host] of network.hosts.entries())
    await startProgram(cleanupOf(t), host, /up/, program('udp-echo', VIP, '53', `dns-${n}`))
  const dns = `service: dns\nvip: ${VIP}\nport: 53\nprotocol: udp\nrealServers: [{ vm: dns-*, port: 53 }]\n`
  await writeFile(`${dir}/services.d/all.yaml`, `${service('')}---\n${dns}`)
  await startDirector(t, network, dir, 15_000, { connectionTimeouts: { tcp: 900, udp: 1 } })
  const at53 = { service: 'dns', protocol: 'udp', vipPort: 53, ingressPort: 53, rsPort: 53 } as const
  const server = (n: number, more = {}) => realServer(`dns-${n}`, { id: `dns/dns-${n}`, ...at53, ...more })
  const web = realServer('web-0')
  const first = startAgent(t, network, dir, 0, [web, server(0)])
  /** A host for web, and a host for dns. */
  const inGroups = async (...hosts: number[]) => {
    const wanted = hosts.map(n => network.hosts[n]!.mac).join()
    while ((await scheduled(network)).join() !== wanted) await new Promise(resolve => setTimeout(resolve, 50))
  }
  await inGroups(0, 0)
  const open = `require('net').connect(80, '${VIP}', () => console.log('open')); setInterval(() => {}, 1e6)`
  await startProgram(cleanupOf(t), network.client, /open/, [process.execPath, '-e', open])
  const go = join(tempDir(t), 'go')
  const asks = await startProgram(cleanupOf(t), network.client, /dns-0/, program('udp-client', VIP, '53', go))
  startAgent(t, network, dir, 1, [server(1)])
  first.update([web, server(0, { weight: 0, state: 'draining' })])
  await inGroups(0, 1)
  // Only the table shows that the time is over. The entry without a client holds the turn.
  const table = () => network.appctl('dpctl/dump-conntrack')
  while (/^udp,orig=\(src=10\..*dport=53/m.test(await table())) await new Promise(resolve => setTimeout(resolve, 50))
  t.regex(await table(), /^tcp,.*dport=80/m)
  const answer = heard(asks)
  await writeFile(go, '')
  t.is(await answer, 'dns-1\n')
})
