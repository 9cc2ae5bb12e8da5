import test from 'ava'
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
  t.like(b.manager.status(VM, MAC), { ownAddresses: ['192.0.2.7'], addresses: ['192.0.2.7/24'], nicName: 'eth0' })
  t.deepEqual(records.list(), [
    {
      vmUuid: VM,
      mac: MAC,
      vip: VIP,
      nicName: 'eth0',
      addressAdded: true,
      edits: [{ kind: 'file', path: FILE, folders: [] }],
    },
  ])
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

test('after a reboot the address is there from the file, under its label, becomes no source, and stays ours', async t => {
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
  // network-scripts have no word for the scope.
  t.deepEqual(guest.trace, [`del ${VIP}`, `add ${VIP}`])
  t.deepEqual(b.vip(), { state: 'set' })
  t.deepEqual(b.manager.status(VM, MAC)?.ownAddresses, ['192.0.2.7'])
  guest.trace = []
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

test('ip commands elsewhere than in the PATH are found', async t => {
  const guest = new ModelGuest()
  guest.refuse.set('ip', 'No such file or directory')
  const b = bench(guest.call)
  b.manager.set([target()])
  await b.pass()
  t.deepEqual(b.vip(), { state: 'set' })
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

test('an IPv6 VIP is one host’s address without a probe for duplicates, and is not kept over a reboot', async t => {
  const guest = new ModelGuest()
  const commands: string[] = []
  guest.before = (command, args) =>
    void (command === 'guest-exec' && commands.push(String(args.arg).replaceAll(',', ' ')))
  const b = bench(guest.call)
  b.manager.set([target({ vips: ['2001:db8::100'] })])
  await b.pass()
  t.like(b.vip('2001:db8::100'), { state: 'set', code: 'GUEST_NO_PERSISTENCE' })
  t.regex(b.vip('2001:db8::100')?.reason ?? '', /network-scripts has no place for an IPv6 address/)
  t.deepEqual(guest.trace, ['add 2001:db8::100'])
  t.true(
    commands.includes('address add 2001:db8::100/128 dev eth0 nodad preferred_lft 0 noprefixroute'),
    commands.join('; '),
  )
  t.deepEqual(b.manager.status(VM, MAC)?.ownAddresses, ['192.0.2.7'])
  b.manager.set([target({ vips: [] })])
  await b.pass()
  t.deepEqual(guest.trace, ['add 2001:db8::100', 'del 2001:db8::100'])
  await b.manager.close()
})
