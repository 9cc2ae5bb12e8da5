import test from 'ava'
import { addPort, findPort, removePort } from '../../../agent/probe-port/database.ts'
import { quiet } from '../../../shared/log/quiet.ts'
import { connectOvsdb } from '../../../shared/ovsdb/connection.ts'
import { systemClock } from '../../../shared/run/clock.ts'
import { startServer } from '../ovsdb/_server.ts'

test('the probe port comes and goes, once; a port of that name that somebody else has made is left alone', async t => {
  const server = await startServer(t)
  const client = connectOvsdb({ socket: server.socket, log: quiet, clock: systemClock })
  t.teardown(() => client.close())
  await new Promise<void>(up => client.follow({ up: () => up(), down() {} }))
  await server.vsctl('add-br', 'br0', '--', 'add-br', 'br1')
  const options = { bridge: 'br0', name: 'cp-probe', address: '169.254.96.1/19' }
  const ports = async () => (await server.vsctl('list-ports', 'br0')).trim()

  t.true(await addPort(client, options))
  t.false(await addPort(client, options))
  t.is(await ports(), 'cp-probe')
  t.is((await server.vsctl('get', 'Interface', 'cp-probe', 'type', 'mac')).trim(), 'internal\n"02:c7:05:00:00:01"')
  t.is((await server.vsctl('get', 'Port', 'cp-probe', 'vlan_mode', 'trunks')).trim(), 'trunk\n[4095]')
  t.true((await findPort(client, 'cp-probe'))?.ours)
  t.true(await removePort(client, options))
  t.false(await removePort(client, options))
  t.is(await ports(), '')
  t.is((await server.vsctl('list', 'Interface', 'br0')).includes('cp-probe'), false)

  await server.vsctl('add-port', 'br1', 'cp-probe')
  await t.throwsAsync(addPort(client, options), { message: /crossport has not made it/ })
  t.false(await removePort(client, options))
  t.is((await server.vsctl('list-ports', 'br1')).trim(), 'cp-probe')
})
