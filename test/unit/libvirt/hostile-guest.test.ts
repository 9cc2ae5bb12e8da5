import test from 'ava'
import { createQga } from '../../../agent/guest/qga.ts'
import { anyReply } from '../../../agent/guest/replies.ts'
import { createAgentCaller } from '../../../shared/libvirt/agent.ts'
import { STRING_MAX } from '../../../shared/libvirt/message.ts'
import { systemClock } from '../../../shared/run/clock.ts'
import { type FakeCall, fakeLibvirtd } from './fake-libvirtd.ts'

const uuid = (n: number) => `6b2b8c5e-3a3f-4c55-9d55-00000000000${n}`
const [GOOD, BAD] = [uuid(1), uuid(2)]

/** A guest that answers with all that libvirt passes on (it cuts off a guest agent's answer at 10 MiB, and its own text at 4). */
const ANSWERS: readonly [string, string][] = [
  ['4 MiB of a text', `{"return":"${'x'.repeat(STRING_MAX - 16)}"}`],
  ['4 MiB of brackets', `{"return":${'['.repeat((STRING_MAX - 16) / 2)}${']'.repeat((STRING_MAX - 16) / 2)}}`],
  ['4 MiB of open brackets', '['.repeat(STRING_MAX)],
  ['two million numbers', `{"return":[${'1,'.repeat(STRING_MAX / 2 - 16)}1]}`],
  ['4 MiB of spaces', ' '.repeat(STRING_MAX)],
]

for (const [name, result] of ANSWERS)
  test.serial(`${name} is refused unread, and other VMs are answered meanwhile`, async t => {
    const fake = await fakeLibvirtd(t, call => {
      if (call.name === 'domainAgentSetTimeout') return call.reply({ result: 0 })
      const { n } = JSON.parse(String(call.args.command)) as { n?: string }
      call.reply({ result: n === 'good' ? '{"return":7}' : result })
    })
    const agent = createAgentCaller({ socket: fake.socket, clock: systemClock })
    t.teardown(() => agent.close())
    const bad = agent.call(BAD, '{"execute":"guest-info"}', 5)
    const good = agent.call(GOOD, '{"execute":"guest-info","n":"good"}', 5)
    // Not with ava's own means, which would print the answer.
    const { code, message } = (await bad.then(
      () => ({}),
      (error: unknown) => error,
    )) as { code?: string; message?: string }
    t.is(code, 'GUEST_REPLY_INVALID')
    t.regex(message ?? '', /has 4194\d{3} characters, and 1048576 are the most/)
    t.is(await good, 7)
  })

test('one MiB of brackets is deep, and harms nobody', async t => {
  const depth = (1 << 19) - 8
  const result = `{"return":${'['.repeat(depth)}${']'.repeat(depth)}}`
  const fake = await fakeLibvirtd(t, call => call.reply({ result: call.name === 'domainAgentSetTimeout' ? 0 : result }))
  const agent = createAgentCaller({ socket: fake.socket, clock: systemClock })
  t.teardown(() => agent.close())
  t.true(Array.isArray(await agent.call(BAD, '{"execute":"guest-info"}', 5)))
})

test('what a guest says in an error is cut to what a person reads', async t => {
  const words = 'w'.repeat(1_000_000)
  const message = `internal error: unable to execute QEMU agent command 'guest-exec': ${words}`
  const fake = await fakeLibvirtd(t, call => {
    if (call.name === 'domainAgentSetTimeout') call.reply({ result: 0 })
    else call.error(1, message)
  })
  const agent = createAgentCaller({ socket: fake.socket, clock: systemClock })
  t.teardown(() => agent.close())
  const error = await t.throwsAsync(agent.call(BAD, '{}', 5), { code: 'GUEST_AGENT_ERROR' })
  t.true((error?.message ?? '').length <= 600)

  const errors = Buffer.from('e'.repeat(60_000)).toString('base64')
  const qga = createQga({
    ...{ vmUuid: BAD, clock: systemClock, signal: new AbortController().signal },
    agentCall: async (_uuid, json) =>
      json.includes('guest-exec-status') ? { exited: true, exitcode: 1, 'err-data': errors } : { pid: 1 },
  })
  const { stderr } = await qga.exec('cat', ['/etc/none'])
  t.true(stderr.length <= 600)
  t.true(stderr.startsWith('eee'))
  t.is(await qga.call(anyReply, 'guest-ping').then(reply => typeof reply), 'object')
})

test('a message that trickles, and never ends, holds up no VM but its own', async t => {
  const waiting: FakeCall[] = []
  const fake = await fakeLibvirtd(t, call => {
    if (call.name === 'domainAgentSetTimeout') return call.reply({ result: 0 })
    if (String(call.args.command).includes('good')) return call.reply({ result: '{"return":7}' })
    waiting.push(call)
    // The head of a message of 30 MiB, and then a byte now and then.
    const head = Buffer.alloc(28)
    head.writeUInt32BE(30 << 20)
    call.socket.write(head)
    const timer = setInterval(() => call.socket.write('x'), 20)
    call.socket.on('error', () => {}).once('close', () => clearInterval(timer))
  })
  const agent = createAgentCaller({ socket: fake.socket, clock: systemClock })
  t.teardown(() => agent.close())
  const bad = agent.call(BAD, '{"execute":"guest-info"}', 1)
  bad.catch(() => {})
  while (waiting.length === 0) await new Promise(resolve => setTimeout(resolve, 10))
  for (let n = 0; n < 50; n++) t.is(await agent.call(GOOD, '{"execute":"guest-ping","n":"good"}', 5), 7)
})
