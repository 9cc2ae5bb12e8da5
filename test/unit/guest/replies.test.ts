import test from 'ava'
import { bench, MAC, target, VM } from './helpers.ts'
import { ModelGuest } from './model-guest.ts'

const huge = Array.from({ length: 5000 }, () => ({ name: 'a' }))
const nic = { name: 'eth0', 'hardware-address': MAC }
const inside = (addresses: unknown) => [{ ...nic, 'ip-addresses': addresses }]
const address = (ip: unknown) => ({ 'ip-address': ip, 'ip-address-type': 'ipv4', prefix: 24 })

/** Replies of a malicious or broken guest. */
const LIES: readonly [string, string, unknown][] = [
  ['no number', 'guest-sync', 'x'],
  ['nothing', 'guest-info', null],
  ['commands that are no list', 'guest-info', { version: '1', supported_commands: {} }],
  ['5000 commands', 'guest-info', { version: '1', supported_commands: huge.map(c => ({ ...c, enabled: true })) }],
  ['a version of a megabyte', 'guest-info', { version: 'x'.repeat(1e6), supported_commands: [] }],
  ['interfaces that are no list', 'guest-network-get-interfaces', 'eth0'],
  ['5000 interfaces', 'guest-network-get-interfaces', huge],
  ['5000 addresses', 'guest-network-get-interfaces', inside(Array(5000).fill(address('192.0.2.1')))],
  ['an address that is a number', 'guest-network-get-interfaces', inside([address(7)])],
  ['a NIC that leads out of its folder', 'guest-network-get-interfaces', [{ ...nic, name: '../x' }]],
  ['a NIC that is a word of ip', 'guest-network-get-interfaces', [{ ...nic, name: '-force' }]],
  ['a NIC with a space', 'guest-network-get-interfaces', [{ ...nic, name: 'a b' }]],
  ['a NIC without a name', 'guest-network-get-interfaces', [{ ...nic, name: '' }]],
  ['a negative pid', 'guest-exec', { pid: -1 }],
  ['a status that is no object', 'guest-exec-status', true],
  ['output that is not base64', 'guest-exec-status', { exited: true, exitcode: 0, 'out-data': '§§' }],
  ['a megabyte of output', 'guest-exec-status', { exited: true, exitcode: 0, 'out-data': 'A'.repeat(1e6) }],
  ['a handle that is a word', 'guest-file-open', 'three'],
  ['a file that is not base64', 'guest-file-read', { count: 1, 'buf-b64': '§', eof: true }],
]

for (const [name, command, lie] of LIES) {
  test(`${command} answering ${name} is refused, in words, and nothing is called set`, async t => {
    const guest = new ModelGuest()
    guest.lies.set(command, lie)
    const b = bench(guest.call)
    b.manager.set([target()])
    await b.pass(500)
    t.like(b.vip(), { state: 'unknown', code: 'GUEST_REPLY_INVALID' })
    t.true((b.vip()?.reason ?? '').length < 300)
    guest.lies.clear()
    await b.pass(65_000)
    t.deepEqual(b.vip(), { state: 'set' })
    await b.manager.close()
  })
}

test('addresses that are none are passed over', async t => {
  const guest = new ModelGuest()
  guest.lies.set('guest-network-get-interfaces', inside(['::1', 'x', '1.2.3', '192.0.2.9', '192.0.2.9'].map(address)))
  const b = bench(guest.call)
  b.manager.set([target({ vips: [] })])
  await b.pass()
  t.deepEqual(b.manager.status(VM, MAC)?.ownAddresses, ['192.0.2.9'])
  await b.manager.close()
})

test('of a bridge and its port with one hardware address, the one with addresses is taken', async t => {
  const guest = new ModelGuest()
  guest.lies.set('guest-network-get-interfaces', [
    nic,
    { ...nic, name: 'br0', 'ip-addresses': [address('192.0.2.9')] },
    { ...nic, name: 'br0:1', 'ip-addresses': [address('192.0.2.10')] },
  ])
  const b = bench(guest.call)
  b.manager.set([target({ vips: [] })])
  await b.pass()
  t.like(b.manager.status(VM, MAC), { nicName: 'br0', ownAddresses: ['192.0.2.9', '192.0.2.10'] })
  await b.manager.close()
})
