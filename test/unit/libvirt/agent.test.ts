import test from 'ava'
import { createAgentCaller } from '../../../shared/libvirt/agent.ts'
import { createSlots } from '../../../shared/libvirt/slots.ts'
import { systemClock } from '../../../shared/run/clock.ts'
import { type FakeCall, fakeLibvirtd } from './fake-libvirtd.ts'

const uuid = (n: number) => `6b2b8c5e-3a3f-4c55-9d55-00000000000${n}`

test('one call a VM; four that do not answer delay nobody else, and then wait for each other', async t => {
  const running: FakeCall[] = []
  let arrived = () => {}
  const fake = await fakeLibvirtd(t, call => {
    if (call.name === 'domainAgentSetTimeout') return call.reply({ result: 0 })
    running.push(call)
    arrived()
  })
  const until = async (n: number) => {
    while (running.length < n)
      await new Promise<void>(resolve => {
        arrived = resolve
      })
  }
  const agent = createAgentCaller({ socket: fake.socket, clock: systemClock })
  const commands = () => running.map(c => JSON.parse(String(c.args.command)).n)
  const call = (vm: number, n: number) => agent.call(uuid(vm), JSON.stringify({ execute: 'guest-ping', n }), 5)
  const frozen = [1, 2, 3, 4].map((vm, n) => call(vm, n))
  frozen.push(call(1, 4))
  await until(4)
  const served = call(5, 5)
  await until(5)
  t.deepEqual(commands().sort(), [0, 1, 2, 3, 5])
  running.find(c => String(c.args.command).includes('"n":5'))?.reply({ result: '{"return":{}}' })
  await served
  for (const c of running.slice(0, 4)) c.error(86, 'Guest agent is not responding: Guest agent not available for now')
  await until(6)
  t.is(commands().at(-1), 4, 'the second call of the first VM')
  for (const one of frozen.slice(0, 4)) await t.throwsAsync(one, { code: 'GUEST_AGENT_UNRESPONSIVE' })
  running.at(-1)?.error(86, 'Guest agent is not responding: Guest agent not available for now')
  await t.throwsAsync(frozen[4]!, { code: 'GUEST_AGENT_UNRESPONSIVE' })

  const before = fake.connections.length
  const slow = [1, 2, 3, 4].map((vm, n) => call(vm, 10 + n))
  await until(10)
  t.is(new Set(running.slice(6).map(c => c.socket)).size, 1, 'one connection')
  t.is(fake.connections.length, before + 1)
  for (const c of running.slice(6)) c.reply({ result: '{"return":{}}' })
  await Promise.all(slow)
  agent.close()
})

const DISABLED = 'The command guest-exec has been disabled'
const MISSING = 'Guest agent command failed, error was "Failed to execute child process"'
const refused = (words: string) => `internal error: unable to execute QEMU agent command 'guest-exec': ${words}`

// Words as libvirt 9.0 has them (src/qemu/qemu_agent.c, qemu_domain.c).
const ERRORS: readonly [number, string, string][] = [
  [86, 'Guest agent is not responding: QEMU guest agent is not connected', 'GUEST_AGENT_NOT_CONNECTED'],
  [86, 'Guest agent is not responding: Guest agent not available for now', 'GUEST_AGENT_UNRESPONSIVE'],
  [97, 'guest agent reply id does not match', 'GUEST_AGENT_UNRESPONSIVE'],
  [74, 'argument unsupported: QEMU guest agent is not configured', 'GUEST_NO_CHANNEL'],
  [55, 'Requested operation is not valid: domain is not running', 'GUEST_NOT_RUNNING'],
  [42, 'Domain not found: no domain with matching uuid', 'GUEST_NOT_RUNNING'],
  [1, refused(MISSING), 'GUEST_AGENT_ERROR'],
  [1, refused(DISABLED), 'GUEST_COMMANDS_BLOCKED'],
  [1, refused('Command guest-exec has been disabled: the command is not allowed'), 'GUEST_COMMANDS_BLOCKED'],
  [1, refused('The command guest-exec has not been found'), 'GUEST_COMMANDS_BLOCKED'],
  [1, refused('Command guest-exec has been disabled: the agent is in frozen state'), 'GUEST_AGENT_FROZEN'],
  [38, 'End of file while reading data', 'LIBVIRT_ERROR'],
]

for (const [code, message, expected] of ERRORS) {
  test(`libvirt error ${code} "${message}" is ${expected}`, async t => {
    const fake = await fakeLibvirtd(t, call => {
      if (call.name === 'domainAgentSetTimeout') call.reply({ result: 0 })
      else call.error(code, message)
    })
    const agent = createAgentCaller({ socket: fake.socket, clock: systemClock })
    const error = await t.throwsAsync(agent.call(uuid(1), '{"execute":"guest-ping"}', 5), { code: expected })
    if (code === 1) t.is(refused(error?.message ?? ''), message)
    agent.close()
  })
}

for (const result of [undefined, '', '{', '[]', 'null', '{"error":{}}']) {
  test(`a reply of ${JSON.stringify(result)} is refused`, async t => {
    const fake = await fakeLibvirtd(t, call =>
      call.reply({ result: call.name === 'domainAgentSetTimeout' ? 0 : result }),
    )
    const agent = createAgentCaller({ socket: fake.socket, clock: systemClock })
    await t.throwsAsync(agent.call(uuid(1), '{"execute":"guest-ping"}', 5), { code: 'GUEST_REPLY_INVALID' })
    agent.close()
  })
}

test('a connection that was lost is made anew at the next call', async t => {
  let broken = false
  const fake = await fakeLibvirtd(t, call => {
    if (!broken) {
      broken = true
      return void call.socket.destroy()
    }
    call.reply({ result: call.name === 'domainAgentSetTimeout' ? 0 : '{"return":7}' })
  })
  const agent = createAgentCaller({ socket: fake.socket, clock: systemClock })
  await t.throwsAsync(agent.call(uuid(1), '{}', 5), { code: 'LIBVIRT_CONNECTION' })
  t.is(await agent.call(uuid(1), '{}', 5), 7)
  agent.close()
})

test('closed slots reject what waits and what comes, and let finish what runs', async t => {
  const slots = createSlots(1)
  let finish = (_: number) => {}
  const running = slots.run(
    'a',
    () =>
      new Promise<number>(resolve => {
        finish = resolve
      }),
  )
  const waiting = slots.run('b', async () => 2)
  slots.close(new Error('over'))
  await t.throwsAsync(waiting, { message: 'over' })
  const late = slots.run('c', async () => 3)
  await t.throwsAsync(late, { message: 'over' })
  finish(1)
  t.is(await running, 1)
})
