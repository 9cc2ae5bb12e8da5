import test from 'ava'
import { CrossportError } from '../../../shared/errors.ts'
import { connectLibvirt } from '../../../shared/libvirt/connection.ts'
import { libvirtCode } from '../../../shared/libvirt/errors.ts'
import type { DomainEvent } from '../../../shared/libvirt/events.ts'
import { KEEPALIVE_PING, KEEPALIVE_PONG, KEEPALIVE_PROGRAM, packMessage } from '../../../shared/libvirt/message.ts'
import { type FakeCall, fakeLibvirtd } from './fake-libvirtd.ts'

const dom = { name: 'a', uuid: '00'.repeat(16), id: 1 }
const protocolError = { instanceOf: CrossportError, code: 'LIBVIRT_PROTOCOL' }

test('parallel calls get their own answers, in whatever order they come', async t => {
  const waiting: FakeCall[] = []
  const fake = await fakeLibvirtd(t, call => {
    waiting.push(call)
    if (waiting.length < 3) return
    for (const w of waiting.reverse()) w.reply({ dom: { ...dom, name: w.args.name } })
  })
  const connection = await connectLibvirt({ socket: fake.socket })
  const names = ['a', 'b', 'c']
  const replies = await Promise.all(names.map(name => connection.call('domainLookupByName', { name })))
  t.deepEqual(
    replies.map(r => r.dom.name),
    names,
  )
  connection.destroy()
})

test("libvirt's errors keep code and words", async t => {
  const fake = await fakeLibvirtd(t, call => call.error(42, 'Domain not found'))
  const connection = await connectLibvirt({ socket: fake.socket })
  const error = await t.throwsAsync(connection.call('domainLookupByName', { name: 'x' }), {
    message: 'Domain not found',
  })
  t.is(libvirtCode(error), 42)
  connection.destroy()
})

test('a connection that libvirtd refuses to open fails with its words', async t => {
  const fake = await fakeLibvirtd(t, () => {}, { connectOpen: call => call.error(45, 'authentication failed') })
  await t.throwsAsync(connectLibvirt({ socket: fake.socket }), { message: 'authentication failed' })
})

test('polkit is asked when libvirtd wants it, and nothing else is', async t => {
  const polkit = await fakeLibvirtd(t, call => call.reply({ complete: 1 }), { authList: c => c.reply({ types: [2] }) })
  const connection = await connectLibvirt({ socket: polkit.socket })
  connection.destroy()
  const words = "authentication unavailable: no polkit agent available to authenticate action 'org.libvirt.unix.manage'"
  const denied = await fakeLibvirtd(t, call => call.error(45, words), { authList: c => c.reply({ types: [2] }) })
  await t.throwsAsync(connectLibvirt({ socket: denied.socket }), {
    code: 'LIBVIRT_CONNECTION',
    message: /has to be in group libvirt\): authentication unavailable/,
  })
  const sasl = await fakeLibvirtd(t, () => {}, { authList: c => c.reply({ types: [1] }) })
  await t.throwsAsync(connectLibvirt({ socket: sasl.socket }), { code: 'LIBVIRT_CONNECTION', message: /auth_unix_rw/ })
})

test('pings are answered with the same serial, and sent', async t => {
  const fake = await fakeLibvirtd(t, () => {})
  let active = () => {}
  const connection = await connectLibvirt({ socket: fake.socket, activity: () => active() })
  const keepalive = { program: KEEPALIVE_PROGRAM, version: 1, type: 2, status: 0 }
  const heard = () =>
    new Promise<void>(resolve => {
      fake.onMessage = () => resolve()
    })
  let next = heard()
  fake.connections[0]?.write(packMessage({ ...keepalive, procedure: KEEPALIVE_PING, serial: 9 }))
  await next
  t.like(fake.messages[0], { program: KEEPALIVE_PROGRAM, procedure: KEEPALIVE_PONG, serial: 9 })
  next = heard()
  connection.probe()
  await next
  t.like(fake.messages[1], { program: KEEPALIVE_PROGRAM, procedure: KEEPALIVE_PING })
  const answered = new Promise<void>(resolve => {
    active = resolve
  })
  fake.connections[0]?.write(packMessage({ ...keepalive, procedure: KEEPALIVE_PONG, serial: 0 }))
  await answered
  connection.destroy()
})

const HOSTILE: readonly [string, (call: FakeCall) => void, RegExp][] = [
  ['garbage', c => c.raw(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')), /message of \d+ bytes/],
  ['a message of 4 GiB', c => c.raw(Buffer.from('ffffffff', 'hex')), /4294967295 bytes/],
  ['a message of 5 bytes', c => c.raw(Buffer.from('0000000500', 'hex')), /5 bytes/],
  ['another version', c => c.raw(packMessage({ ...c.header, type: 1, version: 3 })), /version 3/],
  ['a reply nobody asked for', c => c.raw(packMessage({ ...c.header, type: 1, serial: 999 })), /was not made/],
  ['a reply to another procedure', c => c.raw(packMessage({ ...c.header, type: 1, procedure: 24 })), /was not made/],
  ['a short reply', c => c.raw(packMessage({ ...c.header, type: 1 }, Buffer.from([0, 0, 0, 1]))), /malformed/],
  ['a short error', c => c.raw(packMessage({ ...c.header, type: 1, status: 1 })), /malformed/],
  ['a short event', c => c.raw(packMessage({ ...c.header, type: 2, procedure: 318 })), /malformed/],
]

for (const [name, answer, words] of HOSTILE) {
  test(`${name} ends the connection, with every call`, async t => {
    const fake = await fakeLibvirtd(t, call => {
      if (call.name === 'domainLookupByName') answer(call)
    })
    const reasons: string[] = []
    const connection = await connectLibvirt({ socket: fake.socket, lost: reason => reasons.push(reason) })
    const calls = [
      connection.call('connectListAllDomains', { needResults: 1, flags: 0 }),
      connection.call('domainLookupByName', { name: 'x' }),
    ]
    const ends = await Promise.allSettled(calls)
    for (const end of ends) {
      if (end.status === 'fulfilled') t.fail()
      else t.throws(() => raise(end.reason), { ...protocolError, message: words })
    }
    t.is(reasons.length, 1)
    await t.throwsAsync(connection.call('domainLookupByName', { name: 'x' }), protocolError)
  })
}

test('a silent libvirtd: the call times out, its late answer is ignored, the next one works', async t => {
  const late: FakeCall[] = []
  const fake = await fakeLibvirtd(t, call => {
    if (call.args.name === 'slow') return void late.push(call)
    for (const l of late) l.reply({ dom })
    call.reply({ dom })
  })
  const connection = await connectLibvirt({ socket: fake.socket })
  await t.throwsAsync(connection.call('domainLookupByName', { name: 'slow' }, 20), { code: 'LIBVIRT_TIMEOUT' })
  t.deepEqual(await connection.call('domainLookupByName', { name: 'quick' }), { dom })
  connection.destroy()
})

test('connecting to nothing, and giving up connecting', async t => {
  await t.throwsAsync(connectLibvirt({ socket: '/nonexistent/sock' }), {
    code: 'LIBVIRT_CONNECTION',
    message: /is libvirtd .* installed/,
  })
  const giveUp = new AbortController()
  const fake = await fakeLibvirtd(t, () => {}, { authList: () => giveUp.abort(new Error('enough')) })
  await t.throwsAsync(connectLibvirt({ socket: fake.socket }, giveUp.signal), { message: /given up/ })
  await t.throwsAsync(connectLibvirt({ socket: fake.socket }, giveUp.signal), { message: /given up/ })
})

test('a libvirtd that goes away fails what is under way and says so once', async t => {
  const fake = await fakeLibvirtd(t, call => call.socket.destroy())
  const reasons: string[] = []
  const connection = await connectLibvirt({ socket: fake.socket, lost: reason => reasons.push(reason) })
  await t.throwsAsync(connection.call('domainLookupByName', { name: 'x' }), { code: 'LIBVIRT_CONNECTION' })
  t.is(reasons.length, 1)
  connection.destroy()
  t.is(reasons.length, 1)
})

test('events reach their listener; those that we do not know are passed over', async t => {
  const fake = await fakeLibvirtd(t, call => {
    const event = { ...call.header, type: 2, serial: 0 }
    call.raw(packMessage({ ...event, procedure: 9999 }, Buffer.from([1])))
    const body = Buffer.concat([Buffer.from('000000010000000161000000', 'hex'), Buffer.alloc(16), Buffer.alloc(4)])
    call.raw(packMessage({ ...event, procedure: 319 }, body))
    call.reply({ dom })
  })
  const events: DomainEvent[] = []
  const connection = await connectLibvirt({ socket: fake.socket, event: event => events.push(event) })
  await connection.call('domainLookupByName', { name: 'x' })
  t.deepEqual(events, [{ kind: 'reboot', dom: { name: 'a', uuid: '00'.repeat(16), id: 0 } }])
  connection.destroy()
})

test('what a listener cannot deal with ends the connection with an error of ours', async t => {
  const fake = await fakeLibvirtd(t, call => {
    const body = Buffer.concat([Buffer.from('000000010000000161000000', 'hex'), Buffer.alloc(16), Buffer.alloc(4)])
    call.raw(packMessage({ ...call.header, type: 2, serial: 0, procedure: 319 }, body))
  })
  const reasons: string[] = []
  const connection = await connectLibvirt({
    socket: fake.socket,
    event: () => raise(new TypeError('not as expected')),
    lost: reason => reasons.push(reason),
  })
  await t.throwsAsync(connection.call('domainLookupByName', { name: 'x' }), protocolError)
  t.is(reasons.length, 1)
})

function raise(error: unknown): never {
  throw error
}
