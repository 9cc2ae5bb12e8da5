import path from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { Status__Output } from '../../shared/rpc/gen/crossport/v1/Status.ts'
import { root } from '../lab/paths.ts'
import type { LabProcess } from '../lab/place.ts'
import { readyCount } from '../lab/status.ts'
import { createSite, flows, ours, type Site, service, VIP } from './fixture.ts'
import { standIn } from './variants.ts'

// Three VMs on one host hold the same VIP; their application listens on 9000 and has a page that says how it is.
let site: Site

const PORT = 9000
const check = {
  type: 'http',
  path: '/cgi-bin/health',
  interval: '500ms',
  retryInterval: '200ms',
  timeout: '2s',
  rise: 2,
  fall: 2,
  hold: '1s',
}
const APP = 'httpd -p 9000 -h /tmp/www'
const SETUP = `mkdir -p /tmp/www/cgi-bin && hostname >/tmp/www/index.html && echo 200 >/tmp/status &&
printf '#!/bin/sh\\nprintf "Status: %%s x\\\\r\\\\n\\\\r\\\\nsaid" "$(cat /tmp/status)"\\n' >/tmp/www/cgi-bin/health &&
chmod +x /tmp/www/cgi-bin/health && ${APP}`
const PIDS = "$(ps | grep '[h]ttpd -p .*9000' | awk '{print $1}')"
const KILL = `kill ${PIDS}`

const web = (changes: Record<string, unknown> = {}) =>
  service({ realServers: [{ vm: 'web-*', port: PORT }], check: { ...check, ...changes } })

test.before(async () => {
  site = await createSite({
    hosts: 1,
    vms: [
      ...['web-1', 'web-2', 'web-3'].map(name => ({ name, host: 0 })),
      { name: 'net-1', host: 0, kind: 'light' as const },
    ],
    agentConfig: { guestExec: true },
  })
  await Promise.all(guests().map(vm => vm.exec(SETUP)))
  await site.drop('web.yaml', web())
  await site.ready('web', 3)
})

test.after.always(() => site?.down())

const guests = () => site.lab.vms.filter(vm => vm.name !== 'net-1')

/** The agent's status of one real server. */
function serverOf(status: Status__Output, name: string, vm: string) {
  return status.services.find(each => each.service === name)?.realServers.find(server => server.vm === vm)
}

/** Waits for a state of a real server, and returns its reason; where it is down, the journal must have the reason, too. */
async function until(vm: string, state: string, name = 'web', reason = /^/): Promise<string> {
  const agent = site.agent('rs1')
  const status = await agent.until(`${name} on ${vm} ${state}`, s => {
    const server = serverOf(s, name, vm)
    return server?.state === state && reason.test(server.reason)
  })
  const said = serverOf(status, name, vm)!.reason
  if (state === 'down')
    await agent.process.waitForLine(new RegExp(`real server down: ${escaped(said)} .*service=${name}.*vm=${vm}`))
  return said
}

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

/** 30 requests all succeed, and none of them reaches this VM. */
async function servedWithout(t: ExecutionContext, vm: string): Promise<void> {
  await site.ready('web', 2)
  const counts = await site.request(30)
  t.is(counts.get('failed'), undefined)
  t.deepEqual(
    [...counts.keys()].sort(),
    ['web-1', 'web-2', 'web-3'].filter(name => name !== vm),
  )
}

/** Makes a VM's application fail under load, and logs how long it still got new connections. */
async function failing(t: ExecutionContext, vm: string, command: string): Promise<string> {
  const capture = await site.lab.capture(vm, `dst host ${VIP} and src net 10.10.1.0/24`)
  const loads = await Promise.all([site.load(), site.load()])
  let came = 0
  await capture.waitFor(packet => packet.flags === 'S' && ++came === 3)
  // The earliest moment at which it can have failed.
  const death = Date.now()
  await sick(vm, command)
  const reason = await until(vm, 'down')
  await site.ready('web', 2)
  for (const load of loads) await load.stop()
  const attempts = (await capture.stop()).filter(packet => packet.flags === 'S')
  const last = Math.max(0, Math.round(attempts.at(-1)!.time * 1000 - death))
  t.log(`last new connection sent there ${last} ms after: interval 500 ms, retryInterval 200 ms, timeout 2 s, fall 2`)
  return reason
}

const sick = (vm: string, command: string) => site.lab.vm(vm).exec(command)

test.serial('the application dies: no new connection goes there, and it comes back by itself', async t => {
  const reason = await failing(t, 'web-1', KILL)
  t.is(reason, 'http check of 10.10.1.100:9000/cgi-bin/health: connection refused')
  await servedWithout(t, 'web-1')
  await sick('web-1', APP)
  await site.ready('web', 3)
  t.true((await site.request(30)).has('web-1'))
})

test.serial('it answers 500: out, and back when it is well', async t => {
  const reason = await failing(t, 'web-2', 'echo 500 >/tmp/status')
  t.is(reason, 'http check of 10.10.1.100:9000/cgi-bin/health: status 500')
  await servedWithout(t, 'web-2')
  await sick('web-2', 'echo 200 >/tmp/status')
  await site.ready('web', 3)
})

test.serial('it hangs: connections are accepted, and nothing answers', async t => {
  t.regex(await failing(t, 'web-3', `kill -STOP ${PIDS}`), /: connected, and then no answer within 2000 ms$/)
  await servedWithout(t, 'web-3')
  await sick('web-3', `kill -CONT ${PIDS}`)
  await site.ready('web', 3)
})

test.serial(
  "it listens only on the VM's own address, where a check of that address would see nothing wrong",
  async t => {
    const { ip } = site.lab.vm('web-1').plan
    t.regex(await failing(t, 'web-1', `${KILL}; httpd -p ${ip}:${PORT} -h /tmp/www`), /: connection refused$/)
    t.is((await site.lab.client.exec(['curl', '-s', `http://${ip}:${PORT}/`])).stdout, 'web-1')
    await servedWithout(t, 'web-1')
    await sick('web-1', `${KILL}; ${APP}`)
    await site.ready('web', 3)
  },
)

test.serial('the VIP is deleted inside the guest: the failed check has it set again at once', async t => {
  const line = site.agent('rs1').process.waitForLine(/a health check has failed: .*no answer within 2000 ms.*vm=web-2/)
  await sick('web-2', `ip address del ${VIP}/32 dev eth0`)
  // The next regular look at the guest is up to a minute away.
  const back = `i=0; until ip -o -4 address show dev eth0 | grep -q 'inet ${VIP}/32'; do
    i=$((i+1)); [ $i -lt 200 ] || exit 1; usleep 50000; done`
  t.is((await sick('web-2', back)).exitCode, 0)
  await line
  await site.ready('web', 3)
  t.is((await site.request(30)).get('failed'), undefined)
})

test.serial('checks succeed, but no reply reaches the clients: told, and taken out where the file says so', async t => {
  const host = site.lab.host('rs1')
  const port = await site.lab.vm('web-3').port()
  const ofctl = (...args: string[]) => host.exec(['ovs-ofctl', '-O', 'OpenFlow15', ...args])
  await ofctl('add-flow', 'br0', `cookie=0x77,priority=60000,tcp,in_port=${port},nw_dst=10.10.1.10,actions=drop`)
  const script = 'while [ ! -e /run/enough ]; do curl -s -m 20 http://10.10.1.100/ & sleep 0.1; done; wait'
  const clients = site.lab.client.exec(['sh', '-c', script], { timeoutMs: 60_000, check: false })
  const silent = /clients send and nothing comes back/
  await site.agent('rs1').until('told', s => silent.test(serverOf(s, 'web', 'web-3')?.reason ?? ''))
  t.is(serverOf(site.agent('rs1').status.latest!, 'web', 'web-3')?.state, 'ready')
  await site.drop('web.yaml', web({ passive: 'down' }))
  t.regex(await until('web-3', 'down'), silent)
  await ofctl('del-flows', 'br0', 'cookie=0x77/-1')
  await site.lab.client.writeFile('/run/enough', '')
  await clients
  await site.ready('web', 3)
})

test.serial(
  'without a check: who accepts no connection is named by what hosts tell, and left alone on demand',
  async t => {
    const open = (more: object = {}) =>
      service({ service: 'open', vip: '10.10.1.101', realServers: [{ vm: 'web-*', port: PORT }], ...more })
    const url = 'http://10.10.1.101/'
    /**
     * Opens ten connections a second until the returned function is called; a SYN may be repeated after one and three seconds.
     */
    const clients = async (name: string) => {
      const each = `curl -s -m 20 -o /dev/null -w '%{http_code}\\n' ${url}`
      const script = `until [ -e /run/enough-${name} ]; do ${each} & sleep 0.1; done; wait`
      const done = site.lab.client.exec(['sh', '-c', script], { timeoutMs: 120_000 })
      return async () => {
        await site.lab.client.writeFile(`/run/enough-${name}`, '')
        return new Set((await done).stdout.trim().split('\n'))
      }
    }
    const named = async (vm: string, text: RegExp, state: string) => {
      const began = performance.now()
      const status = await site.director.until(`${vm} named`, s =>
        s.problems.some(p => p.code === 'NOT_ACCEPTING' && p.subject === `open ${vm}` && text.test(p.message)),
      )
      const { acceptance } = serverOf(status, 'open', vm)!
      t.is(serverOf(status, 'open', vm)!.state, state)
      t.true(acceptance!.opened > 0 && acceptance!.accepted === 0)
      t.log(`${vm} named after ${((performance.now() - began) / 1000).toFixed(1)} s: ${JSON.stringify(acceptance)}`)
    }
    await site.drop('open.yaml', open())
    await site.ready('open', 3)
    t.is((await site.request(30, url)).get('failed'), undefined)

    await sick('web-1', KILL)
    const first = await clients('1')
    await named('web-1', /^web-1 on host rs1 does not accept: \d+ new connections .*, \d+ of them refused$/, 'ready')
    t.true((await first()).has('000'))
    await site.drop('open.yaml', open({ passive: { fall: 3, retry: '5m' } }))
    await site.ready('open', 2)
    t.deepEqual([...(await site.request(30, url)).keys()].sort(), ['web-2', 'web-3'])

    const host = site.lab.host('rs1')
    const port = await site.lab.vm('web-2').port()
    const ofctl = (...args: string[]) => host.exec(['ovs-ofctl', '-O', 'OpenFlow15', ...args])
    await ofctl('add-flow', 'br0', `cookie=0x77,priority=60000,tcp,in_port=${port},nw_dst=10.10.1.10,actions=drop`)
    const second = await clients('2')
    await named(
      'web-2',
      /^web-2 on host rs1 does not accept: \d+ new connections .*, 0 of them refused; it is out/,
      'down',
    )
    t.deepEqual([...(await second())], ['200'], 'late, at worst')
    t.deepEqual([...(await site.request(30, url))], [['web-3', 30]])

    await ofctl('del-flows', 'br0', 'cookie=0x77/-1')
    await sick('web-1', APP)
    await site.drop('open.yaml', open({ passive: { fall: 3, retry: '1s' } }))
    const third = await clients('3')
    await site.ready('open', 3)
    await third()
    t.deepEqual([...(await site.request(30, url)).keys()].sort(), ['web-1', 'web-2', 'web-3'])
    await site.remove('open.yaml')
    await site.ready('web', 3)
  },
)

test.serial('a command in the guest decides', async t => {
  const exec = {
    type: 'exec',
    command: ['test', '!', '-e', '/tmp/closed'],
    interval: '500ms',
    timeout: '5s',
    rise: 1,
    fall: 1,
  }
  await site.drop('ops.yaml', service({ service: 'ops', port: 81, check: exec }))
  await site.ready('ops', 3)
  await sick('web-1', 'touch /tmp/closed')
  const status = await site.agent('rs1').until('closed', s => serverOf(s, 'ops', 'web-1')?.state === 'down')
  t.is(serverOf(status, 'ops', 'web-1')!.reason, "exec check 'test ! -e /tmp/closed': exit code 1")
  await sick('web-1', 'rm /tmp/closed')
  await site.ready('ops', 3)
  await site.remove('ops.yaml')
})

test.serial('all fail at once: they are kept, and the director says so', async t => {
  await Promise.all(guests().map(vm => vm.exec('echo 500 >/tmp/status')))
  await site.director.until('panic', s => s.problems.some(p => p.code === 'PANIC' && /3 of 3/.test(p.message)))
  t.is((await site.request(20)).get('failed'), undefined)
  await Promise.all(guests().map(vm => vm.exec('echo 200 >/tmp/status')))
  await site.director.until('all well', s => readyCount(s, 'web') === 3 && !s.problems.some(p => p.code === 'PANIC'))
})

test.serial('the probe port is taken down: nobody falls for it, and it is set up again', async t => {
  const host = site.lab.host('rs1')
  await host.exec(['ip', 'address', 'flush', 'dev', 'cp-probe'])
  await host.exec(['ip', 'link', 'set', 'cp-probe', 'down'])
  const [healthy] = guests()
  await sick(healthy!.name, 'echo 500 >/tmp/status')
  t.regex(await until(healthy!.name, 'down'), /status 500/)
  t.deepEqual(
    ['web-2', 'web-3'].map(vm => serverOf(site.agent('rs1').status.latest!, 'web', vm)?.state),
    ['ready', 'ready'],
  )
  await sick(healthy!.name, 'echo 200 >/tmp/status')
  await site.ready('web', 3)
})

test.serial('the agent restarts: nobody falls, no flow changes', async t => {
  const agent = site.agent('rs1')
  const before = ours(await flows(site.lab, 'rs1'))
  const load = await site.load()
  await agent.kill()
  await agent.start()
  await agent.until('registered', s => s.inputs.some(i => i.name === 'director' && i.state === 'registered'))
  await site.ready('web', 3)
  t.is((await load.stop()).get('failed'), undefined)
  t.is(Number(agent.status.latest?.switch?.flowChanges), 0)
  t.deepEqual(ours(await flows(site.lab, 'rs1')), before)
})

test.serial('without a check there is no probe port', async t => {
  await site.drop('web.yaml', service({ realServers: [{ vm: 'web-*', port: PORT }] }))
  await site.agent('rs1').process.waitForLine(/probe port cp-probe removed/)
  t.false((await site.lab.host('rs1').exec(['ovs-vsctl', 'list-ports', 'br0'])).stdout.includes('cp-probe'))
  t.false((await flows(site.lab, 'rs1')).some(line => line.includes('169.254.')))
  await site.ready('web', 3)
})

// Runs programs that no guest has, in a namespace in place of web-3. Its bridge port is another, its VIP stays.
let echo: LabProcess
let tls: LabProcess

const startTls = async () => {
  const program = path.join(root, 'test/e2e/programs/tls-server.ts')
  tls = await site.lab.host('net-1').spawn([process.execPath, program, VIP, '9443', '/run'], { name: 'tls' })
  await tls.waitForLine(/listening/)
}

/** A service on the stand-in, with this check. */
const special = (name: string, rsPort: number, more: Record<string, unknown>) => {
  const { check: own, ...rest } = more
  const rules = { interval: '500ms', retryInterval: '200ms', timeout: '1s', rise: 2, fall: 2, hold: 0 }
  const realServers = [{ vm: 'web-3', port: rsPort }]
  return service({ service: name, realServers, check: { ...rules, ...(own as object) }, ...rest })
}

test.serial('https: status, body and the name asked for are looked at, the certificate is not', async t => {
  const place = site.lab.host('net-1')
  echo = await standIn(site.lab, 'web-3', 'net-1', VIP)
  await place.exec(['ip', 'route', 'add', '169.254.96.0/19', 'dev', 'eth0'])
  const files = ['-keyout', '/run/key.pem', '-out', '/run/cert.pem']
  await place.exec(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=other', ...files])
  await place.writeFile('/run/state', 'well')
  await startTls()
  const https = { type: 'https', path: '/health', host: 'shop.example', status: 200, body: '/^well /' }
  const shop = (changes: object = {}) => special('shop', 9443, { port: 443, check: { ...https, ...changes } })
  await site.drop('shop.yaml', shop())
  await until('web-3', 'ready', 'shop')
  await place.writeFile('/run/state', 'ill')
  const wrong = `https check of ${VIP}:9443/health: status 200, but the body does not have /^well /`
  t.is(await until('web-3', 'down', 'shop'), wrong)
  await place.writeFile('/run/state', 'well')
  await until('web-3', 'ready', 'shop')
  await site.drop('shop.yaml', shop({ host: 'other.example' }))
  t.regex(await until('web-3', 'down', 'shop'), /: status 421$/)
  await site.drop('shop.yaml', shop())
  await until('web-3', 'ready', 'shop')
  tls.kill('SIGKILL')
  await tls.exited
  t.regex(await until('web-3', 'down', 'shop'), /: connection refused$/)
  await startTls()
  await until('web-3', 'ready', 'shop')
  await site.remove('shop.yaml')
})

test.serial('udp: an answer, the wrong one, silence, and a closed port', async t => {
  const check = { type: 'udp', send: 'who', expect: 'who' }
  const dns = (changes: object = {}) =>
    special('dns', 5353, { port: 53, protocol: 'udp', check: { ...check, ...changes } })
  await site.drop('dns.yaml', dns())
  await until('web-3', 'ready', 'dns')
  echo.kill('SIGSTOP')
  t.is(await until('web-3', 'down', 'dns'), `udp check of ${VIP}:5353: no answer within 1000 ms`)
  echo.kill('SIGCONT')
  await until('web-3', 'ready', 'dns')
  await site.drop('dns.yaml', dns({ expect: 'me' }))
  t.is(await until('web-3', 'down', 'dns'), `udp check of ${VIP}:5353: answered who`)
  await site.drop('dns.yaml', dns())
  await until('web-3', 'ready', 'dns')
  echo.kill('SIGKILL')
  await echo.exited
  t.regex(await until('web-3', 'down', 'dns'), /: no answer within 1000 ms$/)
})
