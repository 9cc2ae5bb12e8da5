import test, { type ExecutionContext } from 'ava'
import { CrossportError } from '../../../shared/errors.ts'
import { encodeCookie } from '../../../shared/flows/cookie.ts'
import { NO_CHANGE } from '../../../shared/flows/diff.ts'
import type { Change } from '../../../shared/flows/types.ts'
import { openSwitch } from '../../../shared/switch/session.ts'
import { fakeClock } from '../run/fake-clock.ts'
import { memoryLog } from '../run/memory-log.ts'
import { BUNDLE, HELLO_BODY, type Peer, type Received, startFakeSwitch, TYPE } from './fake-switch.ts'

const change: Change = {
  ...NO_CHANGE,
  addFlows: [1, 2, 3].map(n => ({
    table: 0,
    priority: n,
    cookie: encodeCookie('agent', 'request', n),
    match: {},
    actions: [],
  })),
}

type Behave = (message: Received, peer: Peer) => void

/** A session with a switch that behaves like this. The clock stands still unless the test moves it. */
async function against(t: ExecutionContext, behave?: Behave) {
  t.timeout(20_000)
  const fake = await startFakeSwitch(t, behave)
  const clock = fakeClock()
  const log = memoryLog()
  const events: string[] = []
  let waiters: (() => void)[] = []
  const note = (event: string) => {
    events.push(event)
    for (const wake of waiters) wake()
  }
  const sw = openSwitch({
    bridge: 'br0',
    owner: 'agent',
    rundir: fake.rundir,
    log,
    clock,
    handlers: {
      onUp: () => note('up'),
      onDown: reason => note(`down: ${reason}`),
      onDrift: what => note(`drift: ${what}`),
    },
  })
  t.teardown(() => sw.close())
  const until = async (event: string) => {
    while (!events.some(e => e.startsWith(event))) await new Promise<void>(resolve => (waiters = [...waiters, resolve]))
  }
  await clock.advance(0)
  return { fake, clock, log, events, sw, until }
}

const rejected = (t: ExecutionContext, commit: Promise<void>) => t.throwsAsync(commit, { instanceOf: CrossportError })

test('the order on the wire: the barrier is answered before the commit is sent, and again after it', async t => {
  let parsed = false
  let tooEarly = false
  const { fake, sw, until } = await against(t, (message, peer) => {
    if (message.name === 'commit') tooEarly = !parsed
    if (message.name !== 'barrier' || fake.names.includes('commit')) return peer.answer(message)
    // The answer is late: code that does not wait for it has sent the commit by then.
    setImmediate(() => {
      parsed = true
      peer.answer(message)
    })
  })
  await until('up')
  const start = fake.names.length
  await sw.commit(change)
  t.false(tooEarly)
  t.deepEqual(fake.names.slice(start), ['open', 'add', 'add', 'add', 'barrier', 'commit', 'barrier'])
  const [open] = fake.received.slice(start)
  t.is(open!.body.readUInt16BE(6), 3)
  t.true(fake.received.every(m => m.version === 6))
})

test('an error before the barrier: discarded, never committed, and the flow is named', async t => {
  let adds = 0
  const { fake, sw, until } = await against(t, (message, peer) => {
    if (message.name === 'add' && ++adds === 2) return peer.error(2, 5, message.xid)
    peer.answer(message)
  })
  await until('up')
  const error = await rejected(t, sw.commit(change))
  t.is(error?.code, 'SWITCH_REJECTED')
  t.regex(String(error?.fields.FLOW), /priority=2/)
  t.is(error?.fields.FLOW_KEY, 'table=0,priority=2')
  t.regex(String(error?.fields.OF_ERROR), /^OFPBAC_/)
  t.false(fake.names.includes('commit'))
  t.is(fake.names.at(-1), 'discard')
  await sw.commit(change)
  t.true(fake.names.includes('commit'))
})

test('an error for the opening of the bundle: no commit', async t => {
  const { fake, sw, until } = await against(t, (message, peer) => {
    if (message.name === 'open') return peer.error(17, 3, message.xid)
    peer.answer(message)
  })
  await until('up')
  t.is((await rejected(t, sw.commit(change)))?.code, 'SWITCH_REJECTED')
  t.false(fake.names.includes('commit'))
})

test('an error at the commit names the flow at fault, not the bundle', async t => {
  const { fake, sw, until } = await against(t, (message, peer) => {
    if (message.name !== 'commit') return peer.answer(message)
    const third = fake.received.filter(m => m.name === 'add')[2]!
    peer.error(5, 0, third.xid)
    peer.error(17, 13, message.xid)
  })
  await until('up')
  const error = await rejected(t, sw.commit(change))
  t.is(error?.code, 'SWITCH_REJECTED')
  t.is(error?.fields.FLOW_KEY, 'table=0,priority=3')
  t.regex(String(error?.fields.OF_ERROR), /^OFPFMFC_/)
  t.is(fake.names.at(-1), 'commit')
})

test('a commit that fails for no flow in particular', async t => {
  const { sw, until } = await against(t, (message, peer) => {
    if (message.name === 'commit') return peer.error(17, 13, message.xid)
    peer.answer(message)
  })
  await until('up')
  const error = await rejected(t, sw.commit(change))
  t.is(error?.code, 'SWITCH_REJECTED')
  t.is(error?.fields.FLOW, undefined)
})

for (const [where, count] of [
  ['open', 1],
  ['add', 2],
  ['barrier', 1],
  ['commit', 1],
  ['barrier', 2],
] as const) {
  test(`disconnect at ${where} ${count}: the commit rejects, and the session connects again`, async t => {
    let seen = 0
    const { fake, clock, events, sw, until } = await against(t, (message, peer) => {
      if (message.name === where && ++seen === count) return peer.hangUp()
      peer.answer(message)
    })
    await until('up')
    t.is((await rejected(t, sw.commit(change)))?.code, 'SWITCH_DOWN')
    await until('down')
    t.is(sw.state, 'down')
    await clock.advance(100)
    while (events.filter(e => e === 'up').length < 2) await new Promise(resolve => setImmediate(resolve))
    t.is(fake.connections, 2)
    await sw.commit(change)
  })
}

test('answers in the wrong order: not trusted, connection given up', async t => {
  const { sw, until } = await against(t, (message, peer) => {
    // Claims a commit when only the barrier was requested.
    if (message.name === 'barrier')
      return peer.send(TYPE.BUNDLE_CONTROL, message.xid + 2, Buffer.from('0000000100050003', 'hex'))
    peer.answer(message)
  })
  await until('up')
  t.is((await rejected(t, sw.commit(change)))?.code, 'SWITCH_PROTOCOL')
  await until('down')
})

test('the commit answered with the wrong kind of message is no success', async t => {
  const { sw, until } = await against(t, (message, peer) => {
    if (message.name === 'commit') return peer.send(21, message.xid)
    peer.answer(message)
  })
  await until('up')
  t.is((await rejected(t, sw.commit(change)))?.code, 'SWITCH_PROTOCOL')
})

test('no answer to the commit: given up after ten seconds, the change is unknown', async t => {
  const { fake, clock, sw, until } = await against(t, (message, peer) => {
    if (message.name !== 'commit') peer.answer(message)
  })
  await until('up')
  const sent = fake.seen('commit')
  const failing = rejected(t, sw.commit(change))
  await sent
  for (let i = 0; i < 11; i++) await clock.advance(1000)
  t.is((await failing)?.code, 'SWITCH_DOWN')
})

for (const [what, bytes] of [
  ['a length below the header', '0615000400000001'],
  ['a multipart reply too short to be one', '0613000a00000001000d'],
  ['another version in mid-connection', '0115000800000001'],
] as const) {
  test(`${what}: the connection is given up, nothing is thrown out of the session`, async t => {
    const { sw, until } = await against(t, (message, peer) => {
      if (message.name === 'open') return peer.raw(xidOf(bytes, message.xid))
      peer.answer(message)
    })
    await until('up')
    const error = await rejected(t, sw.commit(change))
    t.true(['SWITCH_PROTOCOL', 'SWITCH_DOWN'].includes(error?.code ?? ''))
    await until('down')
  })
}

function xidOf(hex: string, xid: number): Buffer {
  const bytes = Buffer.from(hex, 'hex')
  bytes.writeUInt32BE(xid, 4)
  return bytes
}

test('a truncated reply inside a whole message is an error of the reading, not of the process', async t => {
  const { sw, until } = await against(t, (message, peer) => {
    // A flow-desc reply (multipart 1) whose one entry claims 200 bytes and has 8.
    if (message.name === 'multipart' && message.body.readUInt16BE(0) === 1)
      return peer.send(19, message.xid, Buffer.from('000100000000000000c8000000000000', 'hex'))
    peer.answer(message)
  })
  await until('up')
  t.truthy(await t.throwsAsync(sw.readInstalled()))
})

test('an answer in single bytes is one answer', async t => {
  const { sw, until } = await against(t, (message, peer) => {
    if (message.name !== 'commit') return peer.answer(message)
    const reply = Buffer.from('0621001000000000ffffffff00050003', 'hex')
    reply.writeUInt32BE(message.xid, 4)
    message.body.copy(reply, 8, 0, 4)
    for (const byte of reply) peer.raw(Buffer.from([byte]))
  })
  await until('up')
  await sw.commit(change)
  t.pass()
})

test('what cannot be encoded is refused by name, and the bundle begun for it is discarded', async t => {
  const { fake, sw, until } = await against(t)
  await until('up')
  const many = Array.from({ length: 2000 }, (_, n) => ({ ...[...change.addFlows][0]!, priority: n }))
  const bad = { ...[...change.addFlows][0]!, priority: 3000, match: { ipv4_dst: 'nonsense' } }
  const error = await rejected(t, sw.commit({ ...NO_CHANGE, addFlows: [...many, bad] }))
  t.is(error?.code, 'SWITCH_REJECTED')
  t.is(error?.fields.COOKIE, 'agent/request/1')
  await sw.commit(change)
  const names = fake.names.filter(name => name !== 'add' && name !== 'barrier')
  t.deepEqual(names.slice(-4), ['open', 'discard', 'open', 'commit'])
})

test('a switch that does not read: the writing waits, and ends with the connection', async t => {
  const { clock, sw, until } = await against(t, (message, peer) => {
    if (message.name === 'open') return peer.stopReading()
    peer.answer(message)
  })
  await until('up')
  const many = Array.from({ length: 50_000 }, (_, n) => ({
    ...[...change.addFlows][0]!,
    table: n >> 15,
    priority: n & 0x7fff,
  }))
  const failing = rejected(t, sw.commit({ ...NO_CHANGE, addFlows: many }))
  await new Promise(resolve => setImmediate(resolve))
  await clock.advance(5000)
  await clock.advance(5000)
  t.is((await failing)?.code, 'SWITCH_DOWN')
  await until('down')
})

test('a peer that speaks OpenFlow 1.3 alone is refused, and said so', async t => {
  const { fake, log, events, sw } = await against(t, (message, peer) => {
    if (message.name === 'hello') peer.send(TYPE.HELLO, message.xid, Buffer.from('0001000800000010', 'hex'), 4)
  })
  while (!log.lines.some(line => line.level === 'warn')) await new Promise(resolve => setImmediate(resolve))
  t.regex(String(log.lines.find(line => line.level === 'warn')?.err), /1\.5/)
  t.deepEqual(events, [])
  t.is(sw.state, 'down')
  t.is(fake.connections, 1)
})

test('a newer peer whose bitmap has 1.5 is taken', async t => {
  const { until } = await against(t, (message, peer) => {
    if (message.name === 'hello') return peer.send(TYPE.HELLO, message.xid, Buffer.from('00010008000000c0', 'hex'), 7)
    peer.answer(message)
  })
  await until('up')
  t.pass()
})

test('echo requests are answered with their own bytes', async t => {
  const { fake, until } = await against(t, (message, peer) => {
    if (message.name === 'hello') {
      peer.send(TYPE.HELLO, message.xid, HELLO_BODY)
      return peer.send(TYPE.ECHO_REQUEST, 77, Buffer.from('abc'))
    }
    peer.answer(message)
  })
  const echoed = fake.seen('echo reply')
  await until('up')
  const reply = await echoed
  t.is(reply.xid, 77)
  t.is(reply.body.toString(), 'abc')
})

test('a silent switch is probed, and given up when it does not answer', async t => {
  const { fake, clock, until } = await against(t, (message, peer) => {
    if (message.name !== 'echo') peer.answer(message)
  })
  await until('up')
  const probed = fake.seen('echo')
  await clock.advance(5000)
  await probed
  await clock.advance(5000)
  await until('down: no answer to the inactivity probe')
  t.pass()
})

test('commits are made one after the other', async t => {
  const { fake, sw, until } = await against(t)
  await until('up')
  const start = fake.names.length
  await Promise.all([sw.commit(change), sw.commit(change)])
  const names = fake.names.slice(start)
  t.deepEqual(names.slice(0, names.length / 2), names.slice(names.length / 2))
  const ids = fake.received.filter(m => m.name === 'open').map(m => m.body.readUInt32BE(0))
  t.is(new Set(ids).size, 2)
  t.is(
    fake.received.filter(m => m.name === 'commit').every(m => m.body.readUInt16BE(4) === BUNDLE.COMMIT),
    true,
  )
})

test('close ends it for good', async t => {
  const { fake, clock, sw, events, until } = await against(t)
  await until('up')
  await sw.close()
  await clock.advance(60_000)
  t.is(fake.connections, 1)
  t.deepEqual(events, ['up'])
  t.is((await rejected(t, sw.commit(change)))?.code, 'SWITCH_DOWN')
})
