import test from 'ava'
import { bench, FILE, target, VIP } from './helpers.ts'
import { ModelGuest } from './model-guest.ts'

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
  t.like(b.records.list()[0], {
    nicName: 'ens3',
    edits: [{ kind: 'file', path: FILE.replace('eth0', 'ens3'), folders: [] }],
  })
  await b.manager.close()
})

test('a file has the mode and the owner of the file beside it, and one of ours that has others gets them', async t => {
  const guest = new ModelGuest()
  guest.attributes.set(FILE.replace(/:.*/, ''), { mode: 0o640, uid: 0, gid: 7 })
  const b = bench(guest.call)
  b.manager.set([target()])
  await b.pass()
  t.deepEqual(guest.attributesOf(FILE), { mode: 0o640, uid: 0, gid: 7 })
  guest.attributes.set(FILE, { mode: 0o666, uid: 0, gid: 0 })
  await b.pass(65_000)
  t.deepEqual(guest.attributesOf(FILE), { mode: 0o640, uid: 0, gid: 7 })
  await b.manager.close()
})

test('a file beside it that everybody may write makes ours no such file', async t => {
  const guest = new ModelGuest()
  guest.attributes.set(FILE.replace(/:.*/, ''), { mode: 0o777, uid: 0, gid: 0 })
  const b = bench(guest.call)
  b.manager.set([target()])
  await b.pass()
  t.deepEqual(guest.attributesOf(FILE), { mode: 0o644, uid: 0, gid: 0 })
  await b.manager.close()
})
