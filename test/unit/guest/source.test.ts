import test from 'ava'
import { isSource, parseAddresses } from '../../../agent/guest/ip.ts'
import { bench, MAC, target, VIP, VM } from './helpers.ts'
import { ModelGuest } from './model-guest.ts'

const VIP6 = '2001:db8::100'
const sources = (guest: ModelGuest) =>
  guest.addresses.filter(a => (a.ip.includes(':') ? a.deprecated !== true : a.scope !== 'host')).map(a => a.ip)

test('a guest never takes a VIP as source of its own connections', async t => {
  const guest = new ModelGuest()
  const b = bench(guest.call)
  b.manager.set([target({ vips: [VIP, VIP6] })])
  await b.pass()
  t.deepEqual(sources(guest), ['192.0.2.7'])
  t.deepEqual(b.vip(), { state: 'set' })
  await b.manager.close()
})

test('a VIP that the guest would take as source, as its own boot or an older agent has set it, is set anew', async t => {
  const guest = new ModelGuest()
  const b = bench(guest.call)
  b.manager.set([target({ vips: [VIP, VIP6] })])
  await b.pass()
  guest.addresses = [{ ip: VIP, label: 'eth0:cp02s9zs4' }, { ip: VIP6 }, { ip: '192.0.2.7' }]
  guest.trace = []
  await b.pass(65_000)
  t.deepEqual(guest.trace, [`del ${VIP}`, `add ${VIP}`, `replace ${VIP6}`])
  t.deepEqual(sources(guest), ['192.0.2.7'])
  guest.trace = []
  await b.pass(65_000)
  t.deepEqual(guest.trace, [])
  await b.manager.close()
})

test('an address that was there before us stays as its owner wants it', async t => {
  const guest = new ModelGuest()
  guest.addresses.push({ ip: VIP })
  const b = bench(guest.call)
  b.manager.set([target()])
  await b.pass()
  t.deepEqual(guest.trace, [])
  await b.manager.close()
})

test("a VIP of which there is no record any more is not taken for the VM's own address", async t => {
  const guest = new ModelGuest()
  guest.addresses.unshift({ ip: '10.10.1.55', scope: 'host' })
  const b = bench(guest.call)
  b.manager.set([target()])
  await b.pass()
  t.deepEqual(b.manager.status(VM, MAC)?.ownAddresses, ['192.0.2.7'])
  await b.manager.close()
})

test('what iproute2 and BusyBox print is read, and what no address is passed over', t => {
  const text = [
    '3: d0    inet 10.1.1.1/32 scope host d0\\       valid_lft forever preferred_lft forever',
    '3: d0    inet 10.1.1.2/24 metric 100 brd 10.1.1.255 scope global dynamic d0\\       valid_lft 9sec',
    '3: d0    inet 10.1.1.3 peer 10.1.1.4/32 scope link d0:1\\       valid_lft forever',
    '3: d0    inet6 FD99::2/128 scope global',
    '3: d0    inet6 fd99::2/128 scope global nodad deprecated tentative noprefixroute \\       valid_lft forever',
    '3: d0    inet6 fd99::3/128 scope global tentative deprecated noprefixroute \\       valid_lft forever',
    '3: d0    inet6 fd99::4/64 scope global dynamic mngtmpaddr \\       valid_lft forever',
    '3: d0    inet 1.2.3 scope host d0',
  ].join('\n')
  t.deepEqual(
    parseAddresses(text).map(a => `${a.address} ${a.scope} ${isSource(a) ? 'source' : 'quiet'}`),
    [
      '10.1.1.1 host quiet',
      '10.1.1.2 global source',
      '10.1.1.3 link source',
      'fd99::2 global quiet',
      'fd99::3 global quiet',
      'fd99::4 global source',
    ],
  )
})
