import { join } from 'node:path'
import test from 'ava'
import { createReporter } from '../../../agent/report/reporter.ts'
import { registrationClient } from '../../../shared/rpc/client.ts'
import type { DirectorMessage__Output } from '../../../shared/rpc/gen/crossport/v1/DirectorMessage.ts'
import { systemClock } from '../../../shared/run/clock.ts'
import { tempDir } from '../cleanup.ts'
import { memoryLog } from '../run/memory-log.ts'
import { identity, offer, recorder, rs, startDirector, startReporter } from './ends.ts'

test('asked, registers in full, then sends what changes; a new offer reaches it', async t => {
  const heard = recorder()
  const told = recorder()
  const director = await startDirector(`unix:${join(tempDir(t), 'd.sock')}`, heard)
  t.teardown(() => director.close())
  const reporter = startReporter(t, director.address, told)
  reporter.update([rs])
  // No agent is asked before there is an offer.
  director.setOffer(offer({}, ['service: web']))
  t.is(await told.until(/^director/), 'director d1 02:00:00:00:01:00 6000 true')
  t.is(await told.until(/^services/), 'services service: web')
  await told.until(/^registered/)
  t.is(await heard.until(/^registered/), 'registered rs1 02:00:00:00:00:20 web/web-1=ready')
  t.deepEqual([...director.connected], ['rs1'])

  reporter.update([rs])
  reporter.update([
    { ...rs, state: 'down' },
    { ...rs, id: 'web/web-2' },
  ])
  t.is(await heard.until(/^delta/), 'delta rs1 +web/web-1=down,web/web-2=ready -')
  reporter.update([])
  t.is(await heard.until(/^delta/), 'delta rs1 + -web/web-1,web/web-2')

  reporter.setIdentity({ ...identity, hostMac: '02:00:00:00:00:21' })
  t.is(await heard.until(/^registered/), 'registered rs1 02:00:00:00:00:21 ')
  director.setOffer(offer({ directorMac: '02:00:00:00:01:01' }, ['service: web', 'service: dns']))
  t.is(await told.until(/^director/), 'director d1 02:00:00:00:01:01 6000 true')
  t.is(await told.until(/^services/), 'services service: web,service: dns')
  await heard.until(/^alive/)
})

test('an agent that has registered hears what has changed of the documents, and has all of them', async t => {
  const heard = recorder()
  const told = recorder()
  const wire = recorder()
  const director = await startDirector(`unix:${join(tempDir(t), 'd.sock')}`, heard)
  t.teardown(() => director.close())
  const first = offer({}, ['service: web', 'service: dns', 'service: shop'])
  director.setOffer(first)
  const client = registrationClient(director.address, undefined)
  const call = client.Attach()
  call.on('data', ({ services }: DirectorMessage__Output) => {
    if (services !== null && services !== undefined)
      wire.note(
        `sent ${services.base}: ${services.documents.map(one => one.text)} -${services.removed.map(one => one.line)}`,
      )
  })
  call.on('error', () => {})
  t.teardown(() => {
    call.cancel()
    client.close()
  })
  t.is(await wire.until(/^sent/), 'sent : service: web,service: dns,service: shop -')
  const next = {
    ...first,
    documents: [first.documents[0]!, { file: 'web.yaml', line: 2, text: 'service: ns' }],
    revision: 'next',
  }
  // A peer that does not announce support for changes gets all documents.
  call.write({ registration: { ...identity, hostId: 'old' } })
  await heard.until(/^registered old/)
  director.setOffer(next)
  t.is(await wire.until(/^sent/), 'sent : service: web,service: ns -')
  call.write({ registration: { ...identity, hostId: 'old', documentChanges: true } })
  await heard.until(/^registered old/)
  startReporter(t, director.address, told)
  t.is(await told.until(/^services/), 'services service: web,service: ns')
  await heard.until(/^registered rs1/)
  director.setOffer(first)
  t.is(await wire.until(/^sent/), 'sent next: service: dns,service: shop -')
  t.is(await told.until(/^services/), 'services service: web,service: dns,service: shop')
  director.setOffer(next)
  t.is(await wire.until(/^sent/), `sent ${first.revision}: service: ns -3`)
  t.is(await told.until(/^services/), 'services service: web,service: ns')
})

test('a host that does not know its part yet keeps silent until it does, but not for ever', async t => {
  const heard = recorder()
  const told = recorder()
  const director = await startDirector(`unix:${join(tempDir(t), 'd.sock')}`, heard)
  t.teardown(() => director.close())
  director.setOffer(offer({}, ['service: web']))
  const reporter = startReporter(t, director.address, told)
  reporter.update([], false)
  await told.until(/^services/)
  reporter.update([{ ...rs, state: 'pending' }], false)
  t.deepEqual([...director.connected], [])
  reporter.update([rs])
  t.is(await heard.until(/^registered/), 'registered rs1 02:00:00:00:00:20 web/web-1=ready')
  await heard.until(/^alive/)

  reporter.update([rs], false)
  director.setOffer(offer({ leaseMs: 300 }))
  await heard.until(/^registered/)
  const late = startReporter(t, director.address, recorder(), { identity: { ...identity, hostId: 'rs2' } })
  late.update([{ ...rs, state: 'pending' }], false)
  t.is(await heard.until(/^registered rs2/), 'registered rs2 02:00:00:00:00:20 web/web-1=pending')
})

test('a director that comes late, goes and comes back hears everything anew', async t => {
  const heard = recorder()
  const told = recorder()
  const listen = `unix:${join(tempDir(t), 'd.sock')}`
  const reporter = startReporter(t, listen, told)
  t.regex(await told.until(/^disconnected/), new RegExp(`^disconnected: director ${listen}: `))
  for (let round = 0; round < 2; round++) {
    reporter.update([{ ...rs, id: `round-${round}` }])
    const director = await startDirector(listen, heard)
    director.setOffer(offer())
    t.is(await heard.until(/^registered/), `registered rs1 02:00:00:00:00:20 round-${round}=ready`)
    await told.until(/^registered/)
    await director.close()
    await told.until(/^disconnected/)
  }
})

test('a director that stops answering is given up', async t => {
  const told = recorder()
  const heard = recorder()
  const director = await startDirector(`unix:${join(tempDir(t), 'd.sock')}`, heard)
  t.teardown(() => director.close())
  director.setOffer(offer())
  // It gets all messages, and its answers are removed from the stream.
  const frozen = { ...offer().request, leaseMs: 300 }
  director.setOffer({ ...offer(), request: frozen })
  const reporter = createReporter({
    address: director.address,
    identity,
    log: memoryLog(),
    clock: { ...systemClock, after: (ms, fn) => systemClock.after(ms === 100 ? 1 : ms, fn) },
    handlers: {
      onDirector: () => {},
      onServices: () => {},
      onState: (state, reason) => told.note(`${state}: ${reason}`),
    },
  })
  t.teardown(() => reporter.close())
  // Heartbeats every millisecond overtake their answers, as with a dead director.
  t.regex(await told.until(/^disconnected/), /no answer from the director for 200 ms/)
})

test('a host that cannot be addressed, or one of whose real servers is bad, is refused whole and with words', async t => {
  const heard = recorder()
  const told = recorder()
  const director = await startDirector(`unix:${join(tempDir(t), 'd.sock')}`, heard)
  t.teardown(() => director.close())
  director.setOffer(offer())
  const reporter = startReporter(t, director.address, told, { identity: { ...identity, hostMac: '01:00:5e:00:00:01' } })
  t.regex(await told.until(/^refused/), /host MAC "01:00:5e:00:00:01" is not valid/)
  reporter.update([rs, { ...rs, id: 'bad', vip: '10.10.1' }])
  reporter.setIdentity(identity)
  t.regex(await told.until(/^refused.*real server/), /"rs1": real server "bad": vip "10\.10\.1" is not valid/)
  t.is(director.refused.at(-1)?.code, 'REGISTRATION_INVALID')
  t.false(heard.events.some(event => event.startsWith('registered')))
  reporter.update([rs])
  t.is(await heard.until(/^registered/), 'registered rs1 02:00:00:00:00:20 web/web-1=ready')
  await told.until(/^registered/)
  t.deepEqual(director.refused, [])
  reporter.update([
    { ...rs, state: 'down' },
    { ...rs, id: 'bad', vip: '10.10.1' },
  ])
  t.regex(await told.until(/^refused/), /nothing of this message is taken/)
  t.false(heard.events.some(event => event.startsWith('delta')))
})

test('a newer stream of a host ends the older one', async t => {
  const heard = recorder()
  const older = recorder()
  const director = await startDirector(`unix:${join(tempDir(t), 'd.sock')}`, heard)
  t.teardown(() => director.close())
  director.setOffer(offer())
  const first = startReporter(t, director.address, older)
  await older.until(/^registered/)
  const newer = recorder()
  startReporter(t, director.address, newer)
  t.regex(await older.until(/^disconnected/), /this host has registered anew/)
  await first.close()
})

const imposter = { ...identity, hostMac: '02:00:00:00:00:66', hostIp: '172.24.1.66' }

test('of two machines with one host id the one that is connected stays, and both sides say who the other is', async t => {
  const heard = recorder()
  const log = memoryLog()
  const director = await startDirector(`unix:${join(tempDir(t), 'd.sock')}`, heard, { log })
  t.teardown(() => director.close())
  director.setOffer(offer())
  const older = recorder()
  const first = startReporter(t, director.address, older)
  first.update([rs])
  await older.until(/^registered/)
  await heard.until(/^registered/)
  const newer = recorder()
  const second = startReporter(t, director.address, newer, { identity: imposter })
  const reason = await newer.until(/^refused/)
  t.regex(reason, /HOST_ID_TAKEN/)
  for (const mac of [identity.hostMac, imposter.hostMac]) t.regex(reason, new RegExp(mac))
  await heard.until(/^refused/)
  t.deepEqual(
    director.refused.map(({ hostId }) => hostId),
    ['rs1'],
  )
  // It dials again, is refused again, and that is said once: in its status, in its journal, in the director's.
  for (let dialled = 0; dialled < 2; dialled++) await newer.until(/^director/)
  t.false(newer.events.some(event => /^(connected|disconnected|registered)/.test(event)))
  t.is(log.lines.filter(({ message }) => message === 'an agent is refused').length, 1)
  t.is(second.log.lines.filter(({ level }) => level === 'error').length, 1)
  t.false(older.events.some(event => /^(disconnected|refused)/.test(event)))

  await first.close()
  await heard.until(/^registered rs1 02:00:00:00:00:66/)
  await newer.until(/^registered/)
  t.deepEqual(director.refused, [])
})

test('an address that changes while the director is away is told as soon as it can be', async t => {
  const heard = recorder()
  const told = recorder()
  const listen = `unix:${join(tempDir(t), 'd.sock')}`
  const due: (() => void)[] = []
  // Retries come when the test says so.
  const clock = {
    ...systemClock,
    after: (ms: number, fn: () => void) => (ms === 0 ? systemClock.after(ms, fn) : keep(fn)),
  }
  const keep = (fn: () => void) => {
    due.push(fn)
    return () => {}
  }
  const onState = (state: string) => told.note(state)
  const handlers = { onDirector() {}, onServices() {}, onState }
  const reporter = createReporter({ address: listen, identity, log: memoryLog(), clock, handlers })
  t.teardown(() => reporter.close())
  await told.until(/^disconnected/)
  const director = await startDirector(listen, heard)
  t.teardown(() => director.close())
  director.setOffer(offer())
  reporter.setIdentity({ ...identity, hostMac: '02:ee:00:00:00:20' })
  t.is(await heard.until(/^registered/), 'registered rs1 02:ee:00:00:00:20 ')
})

test('documents that a host does not put in force are told to their director, with the registration and when they change', async t => {
  const heard = recorder()
  const director = await startDirector(`unix:${join(tempDir(t), 'd.sock')}`, heard)
  t.teardown(() => director.close())
  director.setOffer(offer())
  const reporter = startReporter(t, director.address, recorder())
  const document = { service: 'web', file: '/d/web.yaml', line: 3, code: 'VIP_NOT_ALLOWED', reason: 'a\tb' } as const
  reporter.update([rs], true, [document])
  await heard.until(/^not in force: web \/d\/web\.yaml:3 a\?b$/)
  await heard.until(/^registered/)
  reporter.update([rs], true, [{ ...document }])
  reporter.update([rs], true, [])
  t.is(await heard.until(/^not in force/), 'not in force: ')
  t.is(await heard.until(/^delta/), 'delta rs1 + -')
  reporter.update([rs], true, [{ ...document, reason: 'x'.repeat(5000) }])
  t.regex(await heard.until(/^not in force/), /x{1000,}…$/)
  reporter.update([rs], true, [{ ...document, service: 'x'.repeat(300) }])
  await heard.until(/^refused/)
  t.regex(director.refused[0]?.reason ?? '', /refused document: service "x+…" is not valid/)
})
