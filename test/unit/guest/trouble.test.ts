import test from 'ava'
import { CrossportError, ERRORS } from '../../../shared/errors.ts'
import { bench, memoryRecords, target, VIP } from './helpers.ts'
import { ModelGuest } from './model-guest.ts'

const NEVER_ASKED: readonly [string, Parameters<typeof target>[0], string, string][] = [
  ['off', { running: false, runId: undefined }, 'pending', 'GUEST_NOT_RUNNING'],
  ['without a channel', { agentChannel: 'none' }, 'unknown', 'GUEST_NO_CHANNEL'],
  ['whose agent has not opened its channel', { agentChannel: 'disconnected' }, 'pending', 'GUEST_AGENT_NOT_CONNECTED'],
]

for (const [name, change, state, code] of NEVER_ASKED) {
  test(`a VM ${name} is not asked, and it is said why`, async t => {
    const guest = new ModelGuest()
    const b = bench(guest.call)
    b.manager.set([target(change)])
    await b.pass(130_000)
    t.like(b.vip(), { state, code })
    t.true(code in ERRORS)
    t.is(guest.calls, 0)
    b.manager.set([target()])
    await b.pass()
    t.deepEqual(b.vip(), { state: 'set' })
    await b.manager.close()
  })
}

const TROUBLES: readonly [string, (guest: ModelGuest) => void, string, RegExp][] = [
  [
    'blocked commands',
    g => {
      g.blocked = new Set(['guest-exec', 'guest-exec-status', 'guest-file-open'])
    },
    'GUEST_COMMANDS_BLOCKED',
    /forbids guest-exec, guest-exec-status: .*\/etc\/sysconfig\/qemu-ga.*BLACKLIST_RPC/,
  ],
  [
    'frozen file systems',
    g => {
      g.frozen = true
    },
    'GUEST_AGENT_FROZEN',
    /frozen/,
  ],
  [
    'no such NIC',
    g => {
      g.mac = '52:54:00:ff:ff:ff'
    },
    'GUEST_NIC_NOT_FOUND',
    /no NIC 52:54:00:aa:00:01; it has lo .*, eth0 52:54:00:ff:ff:ff/,
  ],
  [
    'ip that fails',
    g => g.failing.set('ip', 'RTNETLINK answers: Operation not permitted\n'),
    'GUEST_COMMAND_FAILED',
    /^ip address add 10\.10\.1\.100\/32 dev eth0: RTNETLINK answers: Operation not permitted$/,
  ],
  [
    'ip that may not be run',
    g => g.refuse.set('ip', 'Permission denied'),
    'GUEST_COMMAND_FAILED',
    /Permission denied.*SELinux/,
  ],
  [
    'no ip command',
    g => ['ip', '/sbin/ip', '/usr/sbin/ip'].map(p => g.refuse.set(p, 'No such file or directory')),
    'GUEST_COMMAND_FAILED',
    /no ip command/,
  ],
  [
    'a silent agent',
    g => {
      g.fate = () => 'dead'
    },
    'GUEST_AGENT_UNRESPONSIVE',
    /not responding/,
  ],
  [
    'an agent that answers somebody else',
    g => g.lies.set('guest-sync', 5),
    'GUEST_AGENT_UNRESPONSIVE',
    /older commands/,
  ],
]

/** The guest itself has not said that it cannot have the VIP. */
const NOBODY_LOOKS = new Set(['GUEST_COMMANDS_BLOCKED', 'GUEST_AGENT_FROZEN', 'GUEST_AGENT_UNRESPONSIVE'])

for (const [name, make, code, words] of TROUBLES) {
  test(`${name}: ${code}, and mended once it is gone`, async t => {
    const guest = new ModelGuest()
    make(guest)
    const b = bench(guest.call)
    b.manager.set([target()])
    await b.pass()
    t.like(b.vip(), { state: NOBODY_LOOKS.has(code) ? 'unknown' : 'failed', code })
    t.regex(b.vip()?.reason ?? '', words)
    t.true(code in ERRORS)
    const healthy = new ModelGuest()
    for (const field of ['blocked', 'frozen', 'mac', 'failing', 'refuse', 'fate', 'lies'] as const)
      Object.assign(guest, { [field]: healthy[field] })
    await b.pass(65_000)
    t.deepEqual(b.vip(), { state: 'set' })
    await b.manager.close()
  })
}

test('what was seen set stays set while nobody can look, and falls when the guest goes', async t => {
  const guest = new ModelGuest()
  const b = bench(guest.call)
  b.manager.set([target()])
  await b.pass()
  guest.frozen = true
  await b.pass(65_000)
  t.like(b.vip(), { state: 'set', code: 'GUEST_AGENT_FROZEN' })
  guest.fate = () => 'dead'
  await b.pass(130_000)
  t.like(b.vip(), { state: 'set', code: 'GUEST_AGENT_UNRESPONSIVE' })
  b.manager.set([target({ running: false })])
  t.is(b.vip()?.state, 'pending')
  await b.manager.close()
})

test('a program that never ends is given up, without a busy loop; what it has done is seen', async t => {
  const guest = new ModelGuest()
  guest.neverEnds = /^ip address add/
  const b = bench(guest.call)
  b.manager.set([target()])
  await b.pass(10_700)
  t.like(b.vip(), { state: 'unknown', code: 'GUEST_AGENT_UNRESPONSIVE' })
  t.regex(b.vip()?.reason ?? '', /^ip address add .* has not ended/)
  t.true(guest.calls < 60, `${guest.calls} calls`)
  await b.pass(5000)
  t.deepEqual(b.vip(), { state: 'set' })
  await b.manager.close()
})

test('a VM whose agent never answers delays no other VM, and not the end', async t => {
  const guest = new ModelGuest()
  const stuck = '00000000-0000-0000-0000-00000000000f'
  const b = bench((uuid, json, timeoutS) => (uuid === stuck ? new Promise(() => {}) : guest.call(uuid, json, timeoutS)))
  b.manager.set([target({ vmUuid: stuck }), target()])
  await b.pass()
  t.deepEqual(b.vip(), { state: 'set' })
  await b.manager.close()
  t.pass()
})

test('retries are spread out', async t => {
  const guest = new ModelGuest()
  guest.fate = () => 'dead'
  const b = bench(guest.call)
  b.manager.set([target()])
  await b.pass(600_000)
  t.true(guest.calls > 8 && guest.calls < 20, `${guest.calls} calls in ten minutes`)
  await b.manager.close()
})

test('an error that is no CrossportError is shown, too', async t => {
  const b = bench(async () => {
    throw new TypeError('of another kind')
  })
  b.manager.set([target()])
  await b.pass()
  t.like(b.vip(), { state: 'unknown', reason: 'of another kind' })
  await b.manager.close()
})

test('a VIP whose record cannot be written waits, and the others of the guest go on', async t => {
  const other = '10.10.1.101'
  let full = true
  const records = memoryRecords()
  const failing: typeof records = {
    ...records,
    put: record => {
      if (full && record.vip === other) throw new CrossportError('STORE_FAILED', 'the disk is full')
      records.put(record)
    },
  }
  const guest = new ModelGuest()
  const b = bench(guest.call, failing)
  b.manager.set([target()])
  await b.pass()
  b.manager.set([target({ vips: [VIP, other] })])
  await b.pass()
  t.deepEqual(b.vip(), { state: 'set' })
  t.like(b.vip(other), { state: 'failed', code: 'STORE_FAILED' })
  full = false
  await b.pass(60_000)
  t.deepEqual(b.vip(other), { state: 'set' })
  await b.manager.close()
})
