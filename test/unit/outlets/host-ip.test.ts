import { networkInterfaces } from 'node:os'
import test from 'ava'
import { findHostIp } from '../../../agent/host.ts'

/** Nothing can be sent there from an ordinary socket: the kernel has no route for it. */
const NOWHERE = '255.255.255.255:7473'
const LOOPBACK = '127.0.0.1:7473'

test('without a route to a director there is no address, rather than 0.0.0.0 or loopback', async t => {
  const directors = [NOWHERE, LOOPBACK]
  t.is(await findHostIp({ directors, bridge: undefined, known: undefined }), undefined)
  t.is(await findHostIp({ directors, bridge: 'no-bridge', known: undefined }), undefined)
  t.is(await findHostIp({ directors, bridge: 'lo', known: undefined }), '127.0.0.1', 'what the bridge has')
})

test('what was found before stays while it is an address of this host, and no longer', async t => {
  const own = networkInterfaces().lo?.find(({ family }) => family === 'IPv4')?.address
  t.is(await findHostIp({ directors: [NOWHERE], bridge: undefined, known: own }), own)
  t.is(await findHostIp({ directors: [NOWHERE], bridge: undefined, known: '192.0.2.1' }), undefined)
})
