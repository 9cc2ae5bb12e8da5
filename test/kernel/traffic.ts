import test from 'ava'
import { parseIcmpError } from '../../shared/packet/icmp-error.ts'
import { type Site, service, total, VIP } from '../e2e/fixture.ts'
import { traceRequest } from '../lab/trace.ts'
import { echoService, hold, nothingLost } from './held.ts'

const ALL = ['web-1', 'web-2', 'web-3']
const rs = (vm: string, more: object = {}) => ({ vm, port: 8080, ...more })

/** What a client sees of a service. */
export function trafficTests(site: () => Site): void {
  test.serial('three real servers in turn: 12 of 12 requests are answered', async t => {
    const counts = await site().request(12)
    t.deepEqual([...counts].sort(), [['web-1', 4], ['web-2', 4], ['web-3', 4]]) // biome-ignore format: a table
  })

  test.serial('connections held open stay with their real servers, whatever changes in the group', async t => {
    const { director, drop, ready } = site()
    await drop('echo.yaml', echoService())
    await ready('echo', 3)
    const held = await hold(t, site(), 12)
    await drop('echo.yaml', echoService({ realServers: [{ vm: 'web-[12]', port: 9000 }] }))
    await ready('echo', 2)
    await drop('echo.yaml', echoService({ scheduler: 'mh' }))
    await ready('echo', 3)
    const drained = [
      { vm: 'web-1', port: 9000, weight: 0 },
      { vm: 'web-[23]', port: 9000 },
    ]
    await drop('echo.yaml', echoService({ realServers: drained }))
    await director.until('one drains', s =>
      s.services.some(each => each.service === 'echo' && each.realServers.some(server => server.state === 'draining')),
    )
    t.deepEqual(await held.end(), nothingLost(12))
  })

  test.serial('one request has the right address at each place, and its reply goes past the director', async t => {
    const trace = await traceRequest(site().lab, VIP, 80, 8080, 36_000)
    t.deepEqual(trace.hops, trace.expected)
    t.is(trace.repliesAtDirector, 0)
  })

  test.serial('a file that is edited is live under load, and no request is lost', async t => {
    const load = await site().load()
    await site().drop('web.yaml', service({ realServers: [rs('web-[12]')] }))
    await site().ready('web', 2)
    t.is((await site().request(12)).get('web-3'), undefined)
    await site().drop('web.yaml', service())
    await site().ready('web', 3)
    const counts = await load.stop()
    t.is(counts.get('failed'), undefined)
    t.true(total(counts) > 0)
  })

  test.serial('persistence: a client stays with its real server', async t => {
    await site().drop('web.yaml', service({ persistence: { timeout: 60 } }))
    await site().director.until('in force', s => s.switch?.installedFlows === s.switch?.desiredFlows)
    await site().request(1)
    const counts = await site().request(8)
    t.deepEqual([...counts.values()], [8])
    await site().drop('web.yaml', service())
    await site().ready('web', 3)
  })

  test.serial('a sorry server serves when no other can', async t => {
    const realServers = [rs('web-[12]'), rs('web-3', { sorry: true })]
    await site().drop('web.yaml', service({ realServers }))
    await site().ready('web', 3)
    t.is((await site().request(6)).get('web-3'), undefined)
    await site().drop('web.yaml', service({ realServers: [rs('web-9'), rs('web-3', { sorry: true })] }))
    await site().ready('web', 1)
    t.deepEqual([...(await site().request(4))], [['web-3', 4]])
  })

  test.serial('where nobody can serve: TCP is answered with RST, UDP with ICMP port unreachable', async t => {
    await site().drop('web.yaml', service({ realServers: [rs('web-9')] }))
    await site().drop('udp.yaml', service({ service: 'udp', protocol: 'udp', port: 53, realServers: [rs('web-9')] }))
    await site().ready('web', 0)
    await site().director.until('both', s => s.services.some(each => each.service === 'udp'))
    const ask = `import socket; s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.settimeout(30); s.connect(('${VIP}',53)); s.send(b'x'); s.recv(9)`
    const { stderr } = await site().lab.client.exec(['/usr/bin/python3', '-c', ask], {
      check: false,
      timeoutMs: 60_000,
    })
    t.regex(stderr, /ConnectionRefused/)
    t.is((await site().lab.client.exec(['curl', '-s', '-m', '20', `http://${VIP}/`], { check: false })).exitCode, 7)
    await site().remove('udp.yaml')
    await site().drop('web.yaml', service())
    await site().ready('web', 3)
  })

  test.serial('a real server whose port is closed fails its check, and comes back by itself', async t => {
    const check = { type: 'tcp', interval: '500ms', timeout: '5s', fall: 2, rise: 1 }
    const web2 = site().lab.vm('web-2')
    const httpd = "$(ps | grep '[h]ttpd -p 8080' | awk '{print $1}')"
    await site().drop('web.yaml', service({ check }))
    await site().ready('web', 3)
    await web2.exec(`kill ${httpd}`)
    await site().ready('web', 2)
    t.deepEqual([...(await site().request(8)).keys()].sort(), ['web-1', 'web-3'])
    await web2.exec('httpd -p 8080 -h /run/www')
    await site().ready('web', 3)
    t.deepEqual([...(await site().request(9)).keys()].sort(), ALL)
    await site().drop('web.yaml', service())
  })

  test.serial('path MTU discovery across translated ports: 8 MB through a hop of 1280 bytes', async t => {
    const { lab } = site()
    const captures = await Promise.all(lab.vms.map(vm => lab.capture(vm.name, 'icmp')))
    const curl = ['curl', '-s', '-m', '60', '-o', '/dev/null', '-w', '%{size_download}', `http://${VIP}/big`]
    const { stdout } = await lab.host('client2').exec(curl, { check: false, timeoutMs: 90_000 })
    t.is(stdout, String(8 * 1024 * 1024))
    const heard = (await Promise.all(captures.map(capture => capture.stop()))).flat()
    const cited = heard.flatMap(packet => parseIcmpError(packet.bytes)?.cited ?? [])
    t.true(cited.length > 0)
    t.deepEqual([...new Set(cited.map(({ src, srcPort }) => `${src}:${srcPort}`))], [`${VIP}:8080`])
  })
}
