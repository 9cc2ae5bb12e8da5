import test from 'ava'
import { CrossportError, ERRORS } from '../../../shared/errors.ts'
import { bench, FILE, MAC, memoryRecords, target, VIP, VM } from './helpers.ts'
import { ModelGuest } from './model-guest.ts'

test('record, then file, then address; then the guest itself is asked', async t => {
  const guest = new ModelGuest()
  const records = memoryRecords(record => guest.trace.push(`record ${record.vip}`))
  const b = bench(guest.call, records)
  b.manager.set([target()])
  t.deepEqual(b.vip(), { state: 'pending' })
  await b.pass()
  t.deepEqual(guest.trace, [`record ${VIP}`, `write ${FILE}`, `add ${VIP}`])
  t.deepEqual(b.vip(), { state: 'set' })
  t.like(b.manager.status(VM, MAC), { ownAddresses: ['192.0.2.7'], nicName: 'eth0' })
  t.deepEqual(records.list(), [{ vmUuid: VM, mac: MAC, vip: VIP, nicName: 'eth0', addressAdded: true, file: FILE }])
  const [first, ...rest] = guest.files.get(FILE)?.split('\n') ?? []
  t.regex(first ?? '', /^# crossport 10\.10\.1\.100 sha256:[0-9a-f]{16} /)
  t.deepEqual(rest, [
    'DEVICE=eth0:cp02s9zs4',
    'IPADDR=10.10.1.100',
    'PREFIX=32',
    'NETMASK=255.255.255.255',
    'ONPARENT=yes',
    'ARPCHECK=no',
    'ARPUPDATE=no',
    '',
  ])
  await b.manager.close()
})

test('looking again changes nothing, and no news is not told', async t => {
  const guest = new ModelGuest()
  const b = bench(guest.call)
  b.manager.set([target()])
  await b.pass()
  const { length } = guest.trace
  const { changes } = b
  const { calls } = guest
  b.manager.set([target()])
  await b.pass(150_000)
  t.true(guest.calls > calls, 'it is looked at on a timer')
  t.is(guest.trace.length, length)
  t.is(b.changes, changes)
  await b.manager.close()
})

test('what goes: file, address, record; nothing else', async t => {
  const guest = new ModelGuest()
  const b = bench(guest.call)
  b.manager.set([target({ vips: [VIP, '10.10.1.101'] })])
  await b.pass()
  guest.trace = []
  b.manager.set([target({ vips: ['10.10.1.101'] })])
  await b.pass()
  t.deepEqual(guest.trace, [`remove ${FILE}`, `del ${VIP}`])
  t.deepEqual(
    guest.addresses.map(a => a.ip),
    ['192.0.2.7', '10.10.1.101'],
  )
  t.deepEqual(
    b.records.list().map(r => r.vip),
    ['10.10.1.101'],
  )
  await b.manager.close()
})

test('a VM may have no address of its own', async t => {
  const guest = new ModelGuest()
  guest.own = guest.addresses = []
  const b = bench(guest.call)
  b.manager.set([target()])
  await b.pass()
  t.deepEqual(b.manager.status(VM, MAC)?.ownAddresses, [])
  t.deepEqual(b.vip(), { state: 'set' })
  await b.manager.close()
})

test('after a reboot the address is there from the file, under its label, and stays ours', async t => {
  const guest = new ModelGuest()
  const b = bench(guest.call)
  b.manager.set([target()])
  await b.pass()
  b.manager.set([target({ agentChannel: 'disconnected' })])
  t.is(b.vip()?.state, 'pending')
  guest.reboot()
  guest.trace = []
  await b.pass(100)
  b.manager.set([target()])
  await b.pass()
  t.deepEqual(guest.trace, [])
  t.deepEqual(b.vip(), { state: 'set' })
  t.deepEqual(b.manager.status(VM, MAC)?.ownAddresses, ['192.0.2.7'])
  b.manager.set([target({ vips: [] })])
  await b.pass()
  t.deepEqual(guest.trace, [`remove ${FILE}`, `del ${VIP}`])
  await b.manager.close()
})

test('an address that somebody takes off is set again at the next look', async t => {
  const guest = new ModelGuest()
  const b = bench(guest.call)
  b.manager.set([target()])
  await b.pass()
  guest.addresses = []
  await b.pass(65_000)
  t.deepEqual(
    guest.addresses.map(a => a.ip),
    [VIP],
  )
  await b.manager.close()
})

test('records lost: our file tells that the address is ours', async t => {
  const guest = new ModelGuest()
  const first = bench(guest.call)
  first.manager.set([target()])
  await first.pass()
  await first.manager.close()
  const b = bench(guest.call)
  b.manager.set([target()])
  await b.pass()
  b.manager.set([target({ vips: [] })])
  await b.pass()
  t.false(guest.files.has(FILE))
  t.deepEqual(
    guest.addresses.map(a => a.ip),
    ['192.0.2.7'],
  )
  await b.manager.close()
})

test('an address that was there before us is set, and left when its service goes', async t => {
  for (const there of ['nic', 'loopback']) {
    const guest = new ModelGuest()
    if (there === 'nic') guest.addresses.push({ ip: VIP })
    else guest.loopback.push(VIP)
    const b = bench(guest.call)
    b.manager.set([target()])
    await b.pass()
    t.is(b.vip()?.state, 'set')
    t.regex(b.vip()?.reason ?? '', /left to its owner/)
    b.manager.set([target({ vips: [] })])
    await b.pass()
    t.deepEqual(guest.trace, [], there)
    t.deepEqual(b.records.list(), [])
    await b.manager.close()
  }
})

test('no network-scripts: the address is set, with a warning that says so', async t => {
  const guest = new ModelGuest()
  guest.files.clear()
  const b = bench(guest.call)
  b.manager.set([target()])
  await b.pass()
  t.like(b.vip(), { state: 'set', code: 'GUEST_NO_PERSISTENCE' })
  t.regex(b.vip()?.reason ?? '', /^address set, will not survive a reboot because .*eth0.*network-scripts/)
  guest.reboot()
  b.manager.set([target({ runId: 2 })])
  await b.pass()
  t.is(b.vip()?.state, 'set')
  t.true(guest.addresses.some(a => a.ip === VIP))
  b.manager.set([target({ runId: 2, vips: [] })])
  await b.pass()
  t.false(guest.addresses.some(a => a.ip === VIP))
  await b.manager.close()
})

test('a file that somebody edited is left, reported, and survives the service', async t => {
  const guest = new ModelGuest()
  const b = bench(guest.call)
  b.manager.set([target()])
  await b.pass()
  const edited = `${guest.files.get(FILE)}MTU=1400\n`
  guest.files.set(FILE, edited)
  await b.pass(65_000)
  t.like(b.vip(), { state: 'set', code: 'GUEST_FILE_FOREIGN' })
  b.manager.set([target({ vips: [] })])
  await b.pass()
  t.is(guest.files.get(FILE), edited)
  t.false(
    guest.addresses.some(a => a.ip === VIP),
    'the address was ours',
  )
  t.deepEqual(b.records.list(), [])
  await b.manager.close()
})

test('a file that somebody else put where ours belongs is left', async t => {
  const guest = new ModelGuest()
  guest.files.set(FILE, 'DEVICE=eth0:cp02s9zs4\n')
  const b = bench(guest.call)
  b.manager.set([target()])
  await b.pass()
  t.like(b.vip(), { state: 'set', code: 'GUEST_FILE_FOREIGN' })
  t.is(guest.files.get(FILE), 'DEVICE=eth0:cp02s9zs4\n')
  await b.manager.close()
})

test('guest-file-* blocked, guest-exec allowed: the file is written all the same', async t => {
  const guest = new ModelGuest()
  guest.blocked = new Set(['guest-file-open', 'guest-file-write'])
  const b = bench(guest.call)
  b.manager.set([target()])
  await b.pass()
  t.deepEqual(b.vip(), { state: 'set' })
  t.deepEqual(guest.trace, [`write ${FILE}`, `add ${VIP}`])
  b.manager.set([target({ vips: [] })])
  await b.pass()
  t.false(guest.files.has(FILE))
  await b.manager.close()
})

test('a NIC that has another name after a reboot: the old file goes, a new one comes', async t => {
  const guest = new ModelGuest()
  const b = bench(guest.call)
  b.manager.set([target()])
  await b.pass()
  guest.nic = 'ens3'
  guest.files.set('/etc/sysconfig/network-scripts/ifcfg-ens3', '')
  guest.reboot()
  b.manager.set([target({ runId: 2 })])
  await b.pass()
  t.false(guest.files.has(FILE))
  t.true(guest.files.has(FILE.replace('eth0', 'ens3')))
  t.deepEqual(b.vip(), { state: 'set' })
  t.like(b.records.list()[0], { nicName: 'ens3', file: FILE.replace('eth0', 'ens3') })
  await b.manager.close()
})

const NEVER_ASKED: readonly [string, Parameters<typeof target>[0], string, string][] = [
  ['off', { running: false, runId: undefined }, 'pending', 'GUEST_NOT_RUNNING'],
  ['without a channel', { agentChannel: 'none' }, 'failed', 'GUEST_NO_CHANNEL'],
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

for (const [name, make, code, words] of TROUBLES) {
  test(`${name}: ${code}, and mended once it is gone`, async t => {
    const guest = new ModelGuest()
    make(guest)
    const b = bench(guest.call)
    b.manager.set([target()])
    await b.pass()
    t.like(b.vip(), { state: 'failed', code })
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

test('ip commands elsewhere than in the PATH are found', async t => {
  const guest = new ModelGuest()
  guest.refuse.set('ip', 'No such file or directory')
  const b = bench(guest.call)
  b.manager.set([target()])
  await b.pass()
  t.deepEqual(b.vip(), { state: 'set' })
  await b.manager.close()
})

test('a program that never ends is given up, without a busy loop; what it has done is seen', async t => {
  const guest = new ModelGuest()
  guest.neverEnds = true
  const b = bench(guest.call)
  b.manager.set([target()])
  await b.pass(10_700)
  t.like(b.vip(), { state: 'failed', code: 'GUEST_AGENT_UNRESPONSIVE' })
  t.regex(b.vip()?.reason ?? '', /^ip address add .* has not ended/)
  t.true(guest.calls < 40, `${guest.calls} calls`)
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

test('somebody else was quicker to add the address: that is as good', async t => {
  const guest = new ModelGuest()
  guest.before = (command, { path }) => {
    if (command === 'guest-exec' && path === 'ip') guest.addresses = [{ ip: VIP }]
  }
  const b = bench(guest.call)
  b.manager.set([target()])
  await b.pass(500)
  t.deepEqual(b.vip(), { state: 'set' })
  await b.manager.close()
})

test('an address that ip says is added and the guest does not show is not set', async t => {
  const guest = new ModelGuest()
  guest.before = command => {
    if (command === 'guest-network-get-interfaces') guest.addresses = [{ ip: '192.0.2.7' }]
  }
  const b = bench(guest.call)
  b.manager.set([target()])
  await b.pass()
  t.like(b.vip(), {
    state: 'failed',
    code: 'GUEST_COMMAND_FAILED',
    reason: `${VIP} was added to eth0 and is not there`,
  })
  await b.manager.close()
})

test("a VIP that cannot be taken out yet is no address of the guest's own", async t => {
  const guest = new ModelGuest()
  const b = bench(guest.call)
  b.manager.set([target()])
  await b.pass()
  guest.failing.set('rm', 'rm: cannot remove: Read-only file system')
  b.manager.set([target({ vips: [] })])
  await b.pass()
  t.deepEqual(b.manager.status(VM, MAC)?.ownAddresses, ['192.0.2.7'])
  t.is(b.records.list().length, 1)
  guest.failing.clear()
  await b.pass(65_000)
  t.deepEqual(b.records.list(), [])
  await b.manager.close()
})

test('an error that is no CrossportError is shown, too', async t => {
  const b = bench(async () => {
    throw new TypeError('of another kind')
  })
  b.manager.set([target()])
  await b.pass()
  t.like(b.vip(), { state: 'failed', reason: 'of another kind' })
  await b.manager.close()
  t.false(new TypeError() instanceof CrossportError)
})
