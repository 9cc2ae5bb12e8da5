import test, { type ExecutionContext } from 'ava'
import { ensureTunnelPort, removeTunnelPort } from '../../../shared/ovsdb/tunnel-port.ts'
import { connected, startServer } from './_server.ts'

const WANTED = { bridge: 'br0', name: 'tun0', type: 'vxlan', localIp: '172.24.1.20' } as const

async function setUp(t: ExecutionContext) {
  const server = await startServer(t)
  const client = await connected(t, server)
  await server.vsctl('add-br', 'br0')
  return { server, client, ports: async () => (await server.vsctl('list-ports', 'br0')).trim() }
}

test('made where there is none, found again, changed where it is ours, and taken away', async t => {
  const { server, client, ports } = await setUp(t)
  t.is(await ensureTunnelPort(client, WANTED), 'made')
  t.is(await ports(), 'tun0')
  t.is(
    (await server.vsctl('get', 'interface', 'tun0', 'type', 'options')).trim(),
    'vxlan\n{key=flow, local_ip="172.24.1.20", remote_ip=flow}',
  )
  t.is(await ensureTunnelPort(client, WANTED), 'found')
  t.is(await ensureTunnelPort(client, { ...WANTED, type: 'geneve', localIp: '172.24.1.21' }), 'changed')
  t.regex(await server.vsctl('get', 'interface', 'tun0', 'type', 'options'), /geneve\n.*172\.24\.1\.21/)
  t.true(await removeTunnelPort(client, WANTED))
  t.is(await ports(), '')
  t.false(await removeTunnelPort(client, WANTED))
  t.is(await ensureTunnelPort(client, WANTED), 'made')
})

test("somebody else's is used as it is, and never removed", async t => {
  const { server, client, ports } = await setUp(t)
  const options = ['options:remote_ip=flow', 'options:key=flow', 'options:df_default=false']
  await server.vsctl('add-port', 'br0', 'tun0', '--', 'set', 'interface', 'tun0', 'type=vxlan', ...options)
  t.is(await ensureTunnelPort(client, WANTED), 'found')
  t.regex(await server.vsctl('get', 'interface', 'tun0', 'options'), /df_default/)
  t.false(await removeTunnelPort(client, WANTED))
  t.is(await ports(), 'tun0')
})

test('one that does not fit is told with what is wrong, and left alone', async t => {
  const { server, client } = await setUp(t)
  const set = (...values: string[]) => server.vsctl('set', 'interface', 'tun0', ...values)
  const wrong = async (message: RegExp, port: Parameters<typeof ensureTunnelPort>[1] = WANTED) => {
    const before = await server.vsctl('list', 'interface', 'tun0')
    await t.throwsAsync(ensureTunnelPort(client, port), { code: 'TUNNEL_PORT', message })
    t.is(await server.vsctl('list', 'interface', 'tun0'), before)
  }
  await server.vsctl('add-port', 'br0', 'tun0')
  await wrong(/of type system, not vxlan/)
  await set('type=vxlan', 'options:remote_ip=172.24.1.9', 'options:key=flow')
  await wrong(/options:remote_ip is 172\.24\.1\.9, not flow/)
  await set('options:remote_ip=flow', 'options:key=5')
  await wrong(/options:key is 5, not flow/)
  await set('options:key=flow', 'options:local_ip=172.24.1.99')
  await wrong(/options:local_ip is 172\.24\.1\.99, not 172\.24\.1\.20/)
  await server.vsctl('add-br', 'br1')
  await wrong(/not on bridge br1/, { ...WANTED, bridge: 'br1' })
  await wrong(/there is no bridge br9/, { ...WANTED, bridge: 'br9' })
})
