import { once } from 'node:events'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { ClientDuplexStream, ServiceError } from '@grpc/grpc-js'
import test, { type ExecutionContext } from 'ava'
import { createPieces } from '../../../agent/report/pieces.ts'
import { documentPieces } from '../../../director/intake/documents.ts'
import { createOutbox } from '../../../director/intake/outbox.ts'
import { overdue } from '../../../director/intake/patience.ts'
import { emptyRegistry } from '../../../director/registry/registry.ts'
import { registrationClient } from '../../../shared/rpc/client.ts'
import type { AgentMessage } from '../../../shared/rpc/gen/crossport/v1/AgentMessage.ts'
import type { DirectorMessage, DirectorMessage__Output } from '../../../shared/rpc/gen/crossport/v1/DirectorMessage.ts'
import type { ServiceDocuments__Output } from '../../../shared/rpc/gen/crossport/v1/ServiceDocuments.ts'
import { LIMITS } from '../../../shared/rpc/limits.ts'
import { toProto } from '../../../shared/rpc/real-server.ts'
import { tempDir } from '../cleanup.ts'
import { PEER } from '../registry/fixture.ts'
import { fakeClock } from '../run/fake-clock.ts'
import { identity, offer, recorder, registryHandlers, rs, startDirector, startReporter } from './ends.ts'

/** Of one of many hosts. */
const addressesOf = (n: number) => ({
  hostMac: `02:00:00:01:${[n >> 8, n & 255].map(byte => byte.toString(16).padStart(2, '0')).join(':')}`,
  hostIp: `172.24.${n >> 8}.${n & 255}`,
})

const text = (letter: string, kibibytes: number) => letter.repeat(kibibytes * 1024)

async function scene(t: ExecutionContext) {
  const heard = recorder()
  const clock = fakeClock()
  const director = await startDirector(`unix:${join(tempDir(t), 'd.sock')}`, heard, { clock })
  t.teardown(() => director.close())
  const dial = () => {
    const client = registrationClient(director.address)
    const call: ClientDuplexStream<AgentMessage, DirectorMessage__Output> = client.Attach()
    t.teardown(() => {
      call.cancel()
      client.close()
    })
    const ended = new Promise<ServiceError>(resolve => call.on('error', resolve))
    return { call, ended }
  }
  /** Time goes by, and what is on its way arrives meanwhile. */
  const pass = async (ms: number) => {
    for (let i = 0; i < 20; i++) await setImmediate()
    await clock.advance(ms)
  }
  return { heard, clock, director, dial, pass }
}

test('documents of 9 MiB reach an agent, and so does a change of as many', async t => {
  const { director, heard } = await scene(t)
  const told = recorder()
  startReporter(t, director.address, told).update([rs])
  const letters = 'abcdefghij'
  const first = offer(
    {},
    [...letters].map(letter => text(letter, 900)),
  )
  director.setOffer({ ...first, revision: 'first' })
  const all = await told.until(/^services/)
  t.is(all.length, 'services '.length + 10 * 900 * 1024 + 9)
  await heard.until(/^alive/)
  const next = offer(
    {},
    [...letters.toUpperCase()].map(letter => text(letter, 900)),
  )
  director.setOffer({ ...next, revision: 'next' })
  const changed = await told.until(/^services/)
  t.is(changed.length, all.length)
  t.true(changed.startsWith('services AAA'))
})

test('pieces hold what was to be sent, in its order, and none is larger than it may be', t => {
  const documents = Array.from({ length: 50 }, (_, n) => ({ file: 'a.yaml', line: n, text: text('x', n % 7) }))
  const removed = Array.from({ length: 50 }, (_, n) => ({ file: 'b.yaml', line: n }))
  const pieces = documentPieces({ documents, removed, revision: 'r', base: 'b' }, 8192).map(({ services }) => services!)
  t.true(pieces.length > 10)
  t.deepEqual(
    pieces.flatMap(piece => piece.documents),
    documents,
  )
  t.deepEqual(
    pieces.flatMap(piece => piece.removed),
    removed,
  )
  t.deepEqual(
    pieces.map(({ piece, more, base, revision }) => [piece, more, base, revision]),
    pieces.map((_, i) => [i, i < pieces.length - 1, 'b', 'r']),
  )
  for (const piece of pieces) t.true(piece.documents!.reduce((sum, one) => sum + one.text!.length, 0) <= 8192)
  t.is(documentPieces({ documents: documents.slice(0, 3), revision: 'r' }).length, 1)
  t.is(documentPieces({ documents: [], revision: 'r' }).length, 1)
})

test('a stream that never registers is ended, and nobody else is', async t => {
  const { director, dial, heard, pass } = await scene(t)
  const { call, ended } = dial()
  const other = dial()
  director.setOffer(offer())
  other.call.write({ registration: { ...identity, realServers: [] } })
  await heard.until(/^registered/)
  await once(call, 'data')
  for (let s = 0; s < 20; s++) {
    other.call.write({ heartbeat: { sequence: s + 1 } })
    await heard.until(/^alive/)
    await pass(1000)
  }
  t.regex((await ended).details, /it has not registered within 15 s/)
  t.deepEqual([...director.connected], ['rs1'])
})

test('an agent that registers and then says nothing more is ended', async t => {
  const { director, dial, heard, pass } = await scene(t)
  const { call, ended } = dial()
  director.setOffer(offer())
  call.write({ registration: { ...identity, realServers: [] } })
  call.resume()
  await heard.until(/^registered/)
  for (let s = 0; s < 20; s++) await pass(1000)
  t.regex((await ended).details, /nothing was heard of it for 15 s/)
  t.deepEqual([...director.connected], [])
})

test('a peer that never reads is ended, and what it was to read is not kept', async t => {
  const { director, dial, heard, pass, clock } = await scene(t)
  director.setOffer(offer())
  const { call, ended } = dial()
  call.write({ registration: { ...identity, realServers: [] } })
  await heard.until(/^registered/)
  call.pause()
  for (let n = 0; n < 40; n++) {
    director.setOffer({ ...offer({}, [text('x', 900)]), revision: `${n}` })
    await setImmediate()
  }
  for (let s = 0; s < 20 && director.connected.size > 0; s++) {
    call.write({ heartbeat: { sequence: s + 1 } })
    await heard.until(/^alive/)
    await pass(1000)
  }
  t.true(clock.now() >= 15_000)
  t.deepEqual([...director.connected], [])
  // A status would wait behind what is not read.
  t.regex((await ended).details, /ENHANCE_YOUR_CALM|bandwidth exhausted/i)
})

test('streams are judged by what they have waited for', t => {
  const outbox = { stuckSince: undefined }
  t.is(overdue({ askedAt: undefined, heardAt: undefined, outbox }, 1e9, 1000), undefined, 'nobody has asked it')
  t.is(overdue({ askedAt: 0, heardAt: 0, outbox }, 50_000, 30_000), undefined, 'within two leases')
  t.regex(overdue({ askedAt: 0, heardAt: 0, outbox }, 60_001, 30_000) ?? '', /nothing was heard of it for 60 s/)
  t.regex(overdue({ askedAt: 0, heardAt: 20_000, outbox: { stuckSince: 0 } }, 20_000, 9) ?? '', /has not read/)
})

test('what a peer does not read is not written: only the newest is kept for it', t => {
  const written: DirectorMessage[] = []
  let drain = () => {}
  let room = true
  const call = {
    write: (message: DirectorMessage) => {
      written.push(message)
      return room
    },
    on: (_event: string, listener: () => void) => {
      drain = listener
    },
  }
  const outbox = createOutbox(call as never, () => 7)
  const message = (revision: string): DirectorMessage => ({ services: { documents: [], revision } })
  outbox.greet([message('1')])
  t.is(outbox.stuckSince, undefined)
  room = false
  outbox.tell([message('1→2')], [message('2')])
  t.is(outbox.stuckSince, 7)
  for (let n = 3; n < 1000; n++) {
    outbox.tell([message(`${n - 1}→${n}`)], [message(`${n}`)])
    outbox.heartbeat(n)
  }
  t.is(written.length, 2)
  room = true
  drain()
  const seen = written.map(({ services, heartbeat }) => services?.revision ?? heartbeat?.sequence)
  t.deepEqual(seen, ['1', '1→2', '999', 999])
})

test('a host with too many real servers is refused, and so is one more host than there may be', async t => {
  const { director, dial, heard } = await scene(t)
  director.setOffer(offer())
  const { call, ended } = dial()
  const realServers = Array.from({ length: LIMITS.realServers + 1 }, (_, n) => toProto({ ...rs, id: `${n}` }))
  call.write({ registration: { ...identity, realServers } })
  t.regex((await ended).details, /host "rs1" has 8193 real servers, and 8192 are the most/)
  t.deepEqual(heard.events, ['refused'])
  const told = recorder()
  startReporter(t, director.address, told).update(
    Array.from({ length: LIMITS.realServers + 1 }, (_, n) => ({ ...rs, id: `${n}` })),
  )
  t.regex(await told.until(/^refused/), /8192 are the most \(REGISTRATION_LIMIT\)/)

  const clock = fakeClock()
  const { registry, handlers } = registryHandlers({ leaseMs: 1000, clock })
  const host = (n: number) => ({ ...identity, ...addressesOf(n), hostId: `rs${n}`, realServers: new Map() })
  const hosts = new Map(
    Array.from({ length: LIMITS.hosts }, (_, n) => [
      `rs${n}`,
      { ...host(n), seq: n, state: 'alive', leaseExpiresAt: 9 } as const,
    ]),
  )
  registry.set({ ...emptyRegistry(), hosts })
  handlers.onRegistration(host(3), PEER)
  t.throws(() => handlers.onRegistration(host(LIMITS.hosts), PEER), { code: 'REGISTRATION_LIMIT' })
})

test('texts of a real server have a length: a reason is cut by the agent, a name is refused by the director', async t => {
  const { director, heard } = await scene(t)
  director.setOffer(offer())
  const told = recorder()
  const reporter = startReporter(t, director.address, told)
  reporter.update([
    { ...rs, reason: text('y', 100) },
    { ...rs, id: 'web/other', vm: text('v', 1) },
  ])
  t.regex(await told.until(/^refused/), /real server "web\/other": vm "v+…" is not valid/)
  reporter.update([{ ...rs, reason: text('y', 100) }])
  t.is(await heard.until(/^registered/), 'registered rs1 02:00:00:00:00:20 web/web-1=ready')
})

test('pieces that do not belong together, and more than an agent keeps, are refused', t => {
  const piece = (change: Partial<ServiceDocuments__Output>): ServiceDocuments__Output => {
    return { documents: [], removed: [], revision: 'r', base: '', piece: 0, more: false, ...change }
  }
  const { add } = createPieces()
  t.is(add(piece({ more: true })), undefined)
  t.regex(String(add(piece({ piece: 2 }))), /do not belong together/)
  t.is(add(piece({ more: true })), undefined)
  t.regex(String(add(piece({ piece: 1, revision: 'other' }))), /do not belong together/)
  t.regex(String(createPieces().add(piece({ piece: 1 }))), /do not belong together/)
  const documents = Array(300_000).fill({ file: '', line: 0, text: '' })
  const { add: addMany } = createPieces()
  t.is(addMany(piece({ documents, more: true })), undefined)
  let said: unknown
  for (let n = 1; said === undefined && n < 50; n++) said = addMany(piece({ documents, piece: n, more: true }))
  t.regex(String(said), /more than 64 MiB/)
})
