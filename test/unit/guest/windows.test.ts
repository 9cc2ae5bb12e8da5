import test from 'ava'
import { bench, MAC, target, VIP, VM } from './helpers.ts'
import { ModelWindows } from './model-windows.ts'

const VIP6 = '2001:db8::100'
const PROBES = '169.254.96.0/19'

test('a Windows guest keeps a VIP itself, never takes it as source, and gives it back', async t => {
  const guest = new ModelWindows()
  const before = structuredClone(guest.addresses)
  const b = bench(guest.call)
  b.manager.set([target({ vips: [VIP, VIP6], onLink: PROBES })])
  await b.pass()
  t.deepEqual(b.vip(), { state: 'set' })
  t.deepEqual(b.vip(VIP6), { state: 'set' })
  t.like(b.manager.status(VM, MAC), { nicName: 'Ethernet 2', ownAddresses: ['192.0.2.7'] })
  t.true(guest.addresses.slice(1).every(({ skip, stores }) => skip && stores.includes('PersistentStore')))
  t.deepEqual([...guest.routes], [PROBES])
  const { length } = guest.trace
  guest.reboot()
  b.manager.set([target({ runId: 2, vips: [VIP, VIP6], onLink: PROBES })])
  await b.pass()
  t.is(guest.trace.length, length + 1, 'only the route is set again')
  b.manager.set([target({ runId: 2, vips: [] })])
  await b.pass()
  t.deepEqual(guest.addresses, before)
  t.deepEqual(b.records.list(), [])
  await b.manager.close()
})

test('a Windows interface with DHCP stays so: the VIP lasts until the next boot, and that is said', async t => {
  const guest = new ModelWindows()
  guest.dhcp = true
  const b = bench(guest.call)
  b.manager.set([target({ vips: [VIP, VIP6] })])
  await b.pass()
  t.like(b.vip(), { state: 'set', code: 'GUEST_NO_PERSISTENCE' })
  t.regex(b.vip()?.reason ?? '', /Ethernet 2 has its IPv4 addresses by DHCP/)
  t.deepEqual(b.vip(VIP6), { state: 'set' })
  t.deepEqual(guest.addresses.find(({ ip }) => ip === VIP)?.stores, ['ActiveStore'])
  await b.manager.close()
})

test('a VIP that Windows would take as source is mended', async t => {
  const guest = new ModelWindows()
  const b = bench(guest.call)
  b.manager.set([target()])
  await b.pass()
  guest.addresses = guest.addresses.map(address => ({ ...address, skip: false }))
  await b.pass(65_000)
  t.true(guest.addresses.find(({ ip }) => ip === VIP)?.skip)
  t.false(guest.addresses.find(({ ip }) => ip === '192.0.2.7')?.skip)
  await b.manager.close()
})

for (const name of ["Ethernet'; Remove-Item C:\\ -Recurse; '", 'Ethernet ’2', 'a\nb', '$(calc)', '`n', ''])
  test(`an interface called ${JSON.stringify(name)} is refused, and no script runs`, async t => {
    const guest = new ModelWindows()
    guest.name = name
    const b = bench(guest.call)
    b.manager.set([target()])
    await b.pass()
    t.like(b.vip(), { state: 'unknown', code: 'GUEST_REPLY_INVALID' })
    t.deepEqual(guest.trace, [])
    await b.manager.close()
  })
