import { writeFile } from 'node:fs/promises'
import test from 'ava'
import { showConnections } from '../../../cli/connections.ts'
import { cleanupOf } from '../cleanup.ts'
import { curl, networkForFile, startProgram, VIP } from './network.ts'
import { directory, inSwitch, realServer, startAgent, startDirector } from './running.ts'

const prepared = networkForFile()
const service = (more: string) => `service: web
vip: ${VIP}
port: 80
realServers: [{ vm: web-*, port: 8080 }]
${more}
`
const drop = (dir: string, more: string) => writeFile(`${dir}/services.d/web.yaml`, service(more))

test.serial(
  'nobody left: TCP is refused with RST at once, UDP with ICMP; a sorry server takes over before that',
  async t => {
    const network = await prepared(t)
    const dir = await directory(t)
    await writeFile(
      `${dir}/services.d/web.yaml`,
      `service: web\nvip: ${VIP}\nport: 80\nrealServers: [{ vm: web-0, port: 8080 }, { vm: web-1, port: 8080, sorry: true }]\n` +
        `---\nservice: dns\nvip: ${VIP}\nport: 53\nprotocol: udp\nrealServers: [{ vm: web-0, port: 53 }]\n`,
    )
    const director = await startDirector(t, network, dir)
    const first = startAgent(t, network, dir, 0, [realServer('web-0')])
    const second = startAgent(t, network, dir, 1, [realServer('web-1')])
    await director.until(status => status.hosts.length === 2 && inSwitch(1)(status))
    t.deepEqual([...(await curl(network, 20)).keys()], ['web-0'])
    const commits = Number((await director.status()).switch?.commits)
    first.update([realServer('web-0', { state: 'down' })])
    await director.until(status => Number(status.switch?.commits) > commits)
    t.deepEqual([...(await curl(network, 20)).keys()], ['web-1'], 'the sorry server')
    second.update([realServer('web-1', { state: 'down' })])
    await director.until(inSwitch(0))
    const refused = await t.throwsAsync(network.client.run(`curl -sS --max-time 5 http://${VIP}/`))
    t.regex(refused?.message ?? '', /exit code 7/)
    const dig = `require('dgram').createSocket('udp4').on('error', e => { console.log(e.code); process.exit() }).connect(53, '${VIP}', function () { this.send('x') }); setTimeout(() => process.exit(1), 5000)`
    t.is(await network.client.run(`${process.execPath} -`, dig), 'ECONNREFUSED')
  },
)

test.serial('a persistent client stays with its real server, and leaves it when it drains', async t => {
  const network = await prepared(t)
  const dir = await directory(t)
  await drop(dir, 'scheduler: rr\npersistence: { timeout: 60, mask: 255.255.255.0 }')
  const director = await startDirector(t, network, dir)
  const agents = [0, 1].map(n => startAgent(t, network, dir, n, [realServer(`web-${n}`)]))
  await director.until(inSwitch(2))
  const [[name, count] = ['', 0], ...others] = await curl(network, 30)
  t.deepEqual(others, [])
  t.is(count, 30)
  const n = Number(name.at(-1))
  agents[n]!.update([realServer(name, { weight: 0, state: 'draining' })])
  await director.until(inSwitch(1))
  t.deepEqual([...(await curl(network, 10)).keys()], [`web-${1 - n}`])
})

test.serial('connections are listed and counted; one that is closed, or forgotten, is not active any more', async t => {
  const network = await prepared(t)
  const dir = await directory(t)
  await drop(dir, 'scheduler: wlc')
  const director = await startDirector(t, network, dir)
  for (const n of [0, 1]) startAgent(t, network, dir, n, [realServer(`web-${n}`)])
  await director.until(inSwitch(2))
  await curl(network, 10)
  const open = `const { connect } = require('net'); let n = 0
for (let i = 0; i < 20; i++) connect(80, '${VIP}', () => { if (++n === 20) console.log('open') }); setInterval(() => {}, 1e6)`
  await startProgram(cleanupOf(t), network.client, /open/, [process.execPath, '-e', open])
  const active = (status: Awaited<ReturnType<typeof director.status>>) =>
    status.services.flatMap(({ realServers }) => realServers.map(rs => Number(rs.activeConnections)))
  const untilActive = async (count: number, { status }: typeof director) => {
    while (active(await status()).reduce((a, b) => a + b, 0) !== count)
      await new Promise(resolve => setTimeout(resolve, 50))
  }
  await untilActive(20, director)
  const listed: { state: string; vm: string; client: string }[] = []
  const lines: string[] = []
  t.is(
    await showConnections({ socket: [director.socket], json: true }, { out: text => lines.push(text), err: t.fail }),
    0,
  )
  for (const line of lines.join('').trim().split('\n')) listed.push(JSON.parse(line))
  t.is(listed.filter(({ state }) => state === 'ended').length, 10)
  const here = listed.filter(({ state }) => state === 'active')
  t.is(here.length, 20)
  t.true(here.every(({ client, vm }) => client.startsWith('10.10.1.10:') && /^web-[01]$/.test(vm)))
  const shown: string[] = []
  t.is(await showConnections({ socket: [director.socket] }, { out: text => shown.push(text), err: t.fail }), 0)
  t.regex(shown.join(''), /^SERVICE +PROTO +CLIENT/)
  let said = ''
  t.is(
    await showConnections({ socket: [director.socket], service: 'nix' }, { out: t.fail, err: text => (said += text) }),
    1,
  )
  t.regex(said, /no service nix; there are: web/)

  // As if they had been silent for too long; a director soon compares its counters with the table after a start.
  await director.stop()
  await network.appctl('dpctl/flush-conntrack')
  const another = await startDirector(t, network, dir)
  await untilActive(20, another)
  await untilActive(0, another)
})

test.serial('a full real server gets no more; a drained one is given up in time', async t => {
  const network = await prepared(t)
  const dir = await directory(t)
  await writeFile(
    `${dir}/services.d/web.yaml`,
    `service: web\nvip: ${VIP}\nport: 80\nscheduler: wlc\ndrainTimeout: 1\nrealServers: [{ vm: web-0, port: 8080, weight: 9, uthreshold: 5 }, { vm: web-1, port: 8080 }]\n`,
  )
  const director = await startDirector(t, network, dir)
  const first = startAgent(t, network, dir, 0, [realServer('web-0', { weight: 9 })])
  startAgent(t, network, dir, 1, [realServer('web-1')])
  await director.until(inSwitch(2))
  // 40 connections that send now and then; an error of one is printed.
  const open = `const { connect } = require('net')
let n = 0
for (let i = 0; i < 40; i++) {
  const s = connect(80, '${VIP}', () => { if (++n === 40) console.log('open') })
  s.on('error', e => console.log(e.code)); s.on('data', () => {}); setInterval(() => s.write('x'), 100)
}`
  const client = await startProgram(cleanupOf(t), network.client, /open/, [process.execPath, '-e', open])
  await director.until(status => inSwitch(1)(status))
  t.deepEqual([...(await curl(network, 20)).keys()], ['web-1'])
  const reset = new Promise<string>(resolve => client.stdout!.on('data', data => resolve(String(data))))
  first.update([realServer('web-0', { weight: 0, state: 'draining' })])
  t.regex(await reset, /ECONNRESET/, 'after a second: those of web-0 go to web-1, which knows nothing of them')
})
