import { createSocket } from 'node:dgram'
import { createServer as createHttp } from 'node:http'
import { type AddressInfo, createServer, type Server } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import { createExecProber } from '../../../agent/health/probers/exec.ts'
import { httpProber } from '../../../agent/health/probers/http.ts'
import { tcpProber } from '../../../agent/health/probers/tcp.ts'
import { createUdpProber } from '../../../agent/health/probers/udp.ts'
import type { Prober } from '../../../agent/health/types.ts'
import { systemClock } from '../../../shared/run/clock.ts'
import { target } from './fixtures.ts'

const never = new AbortController().signal

async function listen(t: ExecutionContext, server: Server): Promise<number> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  return (server.address() as AddressInfo).port
}

async function closedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}

const said = (prober: Prober, check: Record<string, unknown>, port: number) =>
  prober(target({ timeout: '300ms', ...check }, { address: '127.0.0.1', port }), never).then(result =>
    (result.kind === 'good' ? `good: ${result.detail}` : `${result.kind}: ${result.reason}`).replace(/ in \d+ ms$/, ''),
  )

test('tcp: connected, refused, banner, answer to what was sent, wrong answer, silence', async t => {
  const port = await listen(
    t,
    createServer(socket => {
      socket.on('error', () => {})
      socket.write('220 ready\r\n')
      socket.on('data', data => socket.write(data.toString() === 'PING' ? 'PONG' : 'what?'))
    }),
  )
  t.is(await said(tcpProber, { type: 'tcp' }, port), 'good: connected')
  t.is(await said(tcpProber, { type: 'tcp' }, await closedPort()), 'bad: connection refused')
  t.is(await said(tcpProber, { type: 'tcp', expect: '220 ' }, port), 'good: expected answer')
  t.is(await said(tcpProber, { type: 'tcp', sendHex: '50494e47', expect: '/PO+NG/' }, port), 'good: expected answer')
  t.is(
    await said(tcpProber, { type: 'tcp', send: 'HELO', expect: '250' }, port),
    'bad: answered 220 ready within 300 ms',
  )
  const mute = await listen(
    t,
    createServer(socket => socket.on('error', () => {})),
  )
  t.is(await said(tcpProber, { type: 'tcp', expect: '220' }, mute), 'bad: connected, and then no answer within 300 ms')
  const rude = await listen(
    t,
    createServer(socket => socket.on('error', () => {}).end()),
  )
  t.is(await said(tcpProber, { type: 'tcp', expect: '220' }, rude), 'bad: closed without an answer')
})

test('http: status, body, Host header, silence, and what is no HTTP', async t => {
  const port = await listen(
    t,
    createHttp((request, response) => {
      const status = Number(/^\/(\d{3})/.exec(request.url ?? '')?.[1] ?? 200)
      if (request.url !== '/silent') response.writeHead(status).end(`host ${request.headers.host}`)
    }),
  )
  const http = (check: Record<string, unknown>, at = port) => said(httpProber, { type: 'http', ...check }, at)
  t.is(await http({}), 'good: status 200')
  t.is(await http({ path: '/302' }), 'good: status 302')
  t.is(await http({ path: '/500' }), 'bad: status 500')
  t.is(await http({ path: '/204', status: ['200', '204-206'] }), 'good: status 204')
  t.is(await http({ path: '/302', status: 200 }), 'bad: status 302')
  t.is(await http({ body: `host 10.10.1.100:${port}` }), 'good: status 200')
  t.is(await http({ host: 'shop.example', body: '/shop.example$/' }), 'good: status 200')
  t.is(await http({ body: 'welcome' }), 'bad: status 200, but the body does not have welcome')
  t.is(await http({ path: '/silent' }), 'bad: connected, and then no answer within 300 ms')
  t.is(await http({ method: 'HEAD', path: '/503' }), 'bad: status 503')
  t.is(await http({}, await closedPort()), 'bad: connection refused')
  const ssh = await listen(
    t,
    createServer(socket => socket.on('error', () => {}).end('SSH-2.0-OpenSSH\r\n')),
  )
  t.regex(await http({}, ssh), /^bad: Parse Error/)
  t.regex(await said(httpProber, { type: 'https' }, port), /^bad: /)
})

test('udp: an answer, the wrong one, none; several at a time are told apart', async t => {
  const echo = createSocket('udp4')
  echo.on('message', (message, from) => {
    if (message.toString() !== 'quiet') echo.send(`re: ${message}`, from.port, from.address)
  })
  await new Promise<void>(resolve => echo.bind(0, '127.0.0.1', resolve))
  const { port } = echo.address()
  const udp = createUdpProber({ address: '127.0.0.1', port: 0 })
  t.teardown(() => {
    udp.close()
    echo.close()
  })
  t.is(await said(udp.probe, { type: 'udp', send: 'ping' }, port), 'good: 8 bytes')
  t.is(await said(udp.probe, { type: 'udp', send: 'ping', expect: 'pong' }, port), 'bad: answered re: ping')
  t.is(await said(udp.probe, { type: 'udp', send: 'quiet' }, port), 'bad: no answer within 300 ms')
  const both = [said(udp.probe, { type: 'udp', send: 'a' }, port), said(udp.probe, { type: 'udp', send: 'b' }, 9)]
  t.deepEqual(await Promise.all(both), ['good: 5 bytes', 'bad: no answer within 300 ms'])
})

test('exec: exit code, output, signal', async t => {
  const replies: Record<string, object> = {
    '/bin/good': { exited: true, exitcode: 0, 'out-data': Buffer.from('in sync\n').toString('base64') },
    '/bin/bad': { exited: true, exitcode: 2, 'err-data': Buffer.from('replica is behind\nmore\n').toString('base64') },
    '/bin/killed': { exited: true, signal: 9 },
  }
  let asked = ''
  const prober = createExecProber(async (_vm, json) => {
    const { execute, arguments: args } = JSON.parse(json) as { execute: string; arguments: { path?: string } }
    if (execute === 'guest-exec') asked = args.path ?? ''
    return execute === 'guest-exec' ? { pid: 1 } : replies[asked]
  }, systemClock)
  const exec = (command: string, more = {}) => said(prober, { type: 'exec', command: [command], ...more }, 0)
  t.is(await exec('/bin/good'), 'good: exit code 0')
  t.is(await exec('/bin/good', { expect: 'in sync' }), 'good: exit code 0')
  t.is(await exec('/bin/good', { expect: 'behind' }), 'bad: said in sync')
  t.is(await exec('/bin/bad'), 'bad: exit code 2: replica is behind')
  t.is(await exec('/bin/killed'), 'bad: ended by a signal')
})

test('an address that this host cannot reach is not the real server’s fault', async t => {
  const result = await tcpProber(target({ type: 'tcp' }, { address: '255.255.255.255', port: 1 }), never)
  t.is(result.kind, 'impossible')
})
