import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { ServiceError } from '@grpc/grpc-js'
import test, { type ExecutionContext } from 'ava'
import { ADMISSION, type Connection, createAdmission } from '../../../director/intake/admission.ts'
import { serveAgents } from '../../../director/intake/agents.ts'
import { registrationClient } from '../../../shared/rpc/client.ts'
import { toProto } from '../../../shared/rpc/real-server.ts'
import { systemClock } from '../../../shared/run/clock.ts'
import { startChild } from '../../segment/cleanup.ts'
import { cleanupOf } from '../cleanup.ts'
import { fakeClock } from '../run/fake-clock.ts'
import { memoryLog } from '../run/memory-log.ts'
import { identity, offer, recorder, registryHandlers, rs, startDirector, startReporter } from './ends.ts'

/** A connection from this address of the loopback that sends this and then nothing. */
async function silent(t: ExecutionContext, port: number, localAddress: string, first = ''): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', localAddress })
  socket.on('error', () => {})
  socket.resume()
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  if (first !== '') socket.write(first)
  return socket
}

const portOf = (address: string) => Number(address.split(':').at(-1))

test.serial(
  '3,000 connections of one address that say nothing: others are served, and most of them are cut off',
  async t => {
    const heard = recorder()
    const clock = fakeClock()
    const director = await startDirector('127.0.0.1:0', heard, { clock, leaseMs: 60_000 })
    t.teardown(() => director.close())
    director.setOffer(offer())
    const port = portOf(director.address)
    const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
    const crowd: Socket[] = []
    for (let n = 0; n < 3000; n += 100)
      crowd.push(
        ...(await Promise.all(
          Array.from({ length: 100 }, (_, i) => silent(t, port, '127.0.0.2', i % 2 ? preface : '')),
        )),
      )
    const open = () => crowd.filter(({ closed, destroyed }) => !closed && !destroyed).length
    const told = recorder()
    startReporter(t, director.address, told).update([rs])
    await heard.until(/^registered rs1/)
    while (open() > ADMISSION.most) await delay(20)
    t.true(open() > 0)
    await clock.advance(ADMISSION.patienceMs + 1000)
    while (open() > 0) await delay(20)
    t.deepEqual([...director.connected], ['rs1'])
    t.false(told.events.some(event => /disconnected/.test(event)))
  },
)

test.serial('one connection has four streams and no more; the others wait, and nobody else waits for them', async t => {
  const heard = recorder()
  const director = await startDirector('127.0.0.1:0', heard)
  t.teardown(() => director.close())
  director.setOffer(offer())
  const client = registrationClient(director.address)
  let asked = 0
  const calls = Array.from({ length: 1000 }, () => client.Attach())
  for (const call of calls) {
    call.on('data', () => asked++)
    call.on('error', () => {})
  }
  t.teardown(() => {
    for (const call of calls) call.cancel()
    client.close()
  })
  startReporter(t, director.address, recorder()).update([rs])
  await heard.until(/^registered rs1/)
  while (asked < 4) await delay(10)
  await delay(100)
  // Each is asked to register, and told the services.
  t.true(asked <= 4 * 2, `${asked} answers`)
})

test.serial('a registration of more than 4 MiB is taken, one of 64 MiB is not', async t => {
  const heard = recorder()
  const director = await startDirector('127.0.0.1:0', heard)
  t.teardown(() => director.close())
  director.setOffer(offer())
  const many = Array.from({ length: 8000 }, (_, n) => ({
    ...rs,
    id: `web/${n}`,
    state: 'down' as const,
    reason: 'x'.repeat(700),
  }))
  startReporter(t, director.address, recorder()).update(many)
  const registered = await heard.until(/^registered rs1/)
  t.is(registered.split(',').length, 8000)
  const client = registrationClient(director.address)
  t.teardown(() => client.close())
  const call = client.Attach()
  const ended = new Promise<ServiceError>(resolve => call.on('error', resolve))
  call.write({
    registration: { ...identity, hostId: 'rs2', version: 'v'.repeat(64 << 20), realServers: [toProto(rs)] },
  })
  t.regex((await ended).details, /larger than max/)
  t.deepEqual([...director.connected], ['rs1'])
})

test('who has most gives one up, in number and in bytes; who has registered does not count', async t => {
  const clock = fakeClock()
  const admission = createAdmission(clock, { most: 4, bytes: 100, patienceMs: 1000 })
  const gone: string[] = []
  const come = (remoteAddress: string, remotePort: number) => {
    const connection = { remoteAddress, remotePort, bytesRead: 0 }
    const arrived = admission.arrived({
      ...connection,
      get bytesRead() {
        return connection.bytesRead
      },
      destroy: () => gone.push(`${remoteAddress}:${remotePort}`),
      once: () => {},
    } as Connection)
    return { connection, arrived }
  }
  const first = come('a', 1)
  for (const port of [2, 3]) come('a', port)
  come('b', 1)
  t.deepEqual(gone, [])
  t.true(come('c', 1).arrived)
  t.deepEqual(gone, ['a:3'], 'the newest of those who have most')
  t.false(come('a', 4).arrived)
  admission.begun('a:1')
  admission.admitted('a:1')
  t.true(come('a', 5).arrived, 'it has registered, and there is room again')
  gone.length = 0
  first.connection.bytesRead = 1000
  await clock.advance(250)
  t.deepEqual(gone, [])
  admission.ended('a:1')
  t.deepEqual(gone, [])
  first.connection.bytesRead = 1101
  await clock.advance(250)
  t.deepEqual(gone.sort(), ['a:1', 'a:2', 'a:5'], 'the address that has sent most')
  admission.begun('b:1')
  await clock.advance(2000)
  t.deepEqual(gone.sort(), ['a:1', 'a:2', 'a:5', 'c:1'], 'b has a stream, and is judged as one')
  admission.ended('b:1')
  await clock.advance(2000)
  t.true(gone.includes('b:1'))
})

const meanwhile = 'others register and are heard meanwhile'
for (const kind of ['beats', 'deltas'])
  test.serial(`a host that sends ${kind} without a pause is one of many: ${meanwhile}`, async t => {
    const { handlers } = registryHandlers({ leaseMs: 6000, clock: systemClock })
    const director = await serveAgents({
      ...{ listen: '127.0.0.1:0', addressed: false, leaseMs: 6000, clock: systemClock, log: memoryLog(), handlers },
    })
    t.teardown(() => director.close())
    director.setOffer(offer())
    const program = new URL('programs/flood.ts', import.meta.url).pathname
    const floods = [1, 2].map(n =>
      startChild(cleanupOf(t), [process.execPath, program, director.address, kind, `${n}`], { output: 'pipe' }),
    )
    await once(floods[0]!.stdout!, 'data')
    let [longest, last] = [0, performance.now()]
    const timer = setInterval(() => {
      longest = Math.max(longest, performance.now() - last - 10)
      last = performance.now()
    }, 10)
    t.teardown(() => clearInterval(timer))
    const begin = performance.now()
    const told = recorder()
    startReporter(t, director.address, told).update([rs])
    await told.until(/^registered/)
    const took = performance.now() - begin
    // A lease.
    await delay(6000)
    t.true(director.connected.has('rs1'))
    t.false(told.events.some(event => /^(disconnected|refused)/.test(event)))
    t.log(`registered after ${Math.round(took)} ms; others waited for ${Math.round(longest)} ms at most`)
    t.log(`${Math.round(process.memoryUsage().rss / 2 ** 20)} MiB`)
  })
