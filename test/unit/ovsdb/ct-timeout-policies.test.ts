import test from 'ava'
import { ensureCtTimeoutPolicies } from '../../../shared/ovsdb/ct-timeout-policies.ts'
import { connected, startServer } from './_server.ts'

const A = { zone: 1, timeouts: { tcp_syn_sent: 3600, tcp_established: 7200 } }
const B = { zone: 2, timeouts: { udp_single: 60 } }

test('zones of ours come, change and go; those of others stay', async t => {
  const server = await startServer(t)
  // ovs-vsctl has a command for this, which lists what Open vSwitch itself sees.
  const list = async () =>
    (await server.vsctl('list-zone-tp', 'netdev').catch(() => 'no datapath')).trim().split('\n').sort()
  const client = await connected(t, server)
  const ensure = (...zones: (typeof A | typeof B)[]) =>
    ensureCtTimeoutPolicies(client, { datapathType: 'netdev', zones, range: { first: 1, last: 9 } })

  t.deepEqual(await ensure(), { changed: false, conflicts: [] })
  t.deepEqual(await ensure(A, B), { changed: true, conflicts: [] })
  t.deepEqual(await list(), [
    'Zone:1, Timeout Policies: tcp_established=7200 tcp_syn_sent=3600',
    'Zone:2, Timeout Policies: udp_single=60',
  ])
  t.deepEqual(await ensure(B, A), { changed: false, conflicts: [] })

  t.true((await ensure({ ...A, timeouts: { tcp_syn_sent: 1, tcp_established: 2 } }, B)).changed)
  t.is((await list())[0], 'Zone:1, Timeout Policies: tcp_established=2 tcp_syn_sent=1')

  await server.vsctl('add-zone-tp', 'netdev', 'zone=7', 'icmp_first=9')
  const foreign = { zone: 7, timeouts: { udp_single: 1 } }
  t.deepEqual(
    await ensureCtTimeoutPolicies(client, {
      datapathType: 'netdev',
      zones: [B, foreign],
      range: { first: 1, last: 9 },
    }),
    {
      changed: true,
      conflicts: [7],
    },
  )
  t.deepEqual(await list(), ['Zone:2, Timeout Policies: udp_single=60', 'Zone:7, Timeout Policies: icmp_first=9'])

  t.true((await ensure()).changed)
  t.is((await list()).length, 1)
  await server.vsctl('del-zone-tp', 'netdev', 'zone=7')

  // The Datapath record that we made vanishes with our last zone, because it is empty then, and comes back.
  t.true((await ensure(A)).changed)
  t.true((await ensure()).changed)
  t.deepEqual(await list(), ['no datapath'])
  t.is((await server.vsctl('list', 'CT_Timeout_Policy')).trim(), '')
  t.true((await ensure(A)).changed)
  t.is((await list()).length, 1)

  // The agent's and the director's zones are in one database.
  const elsewhere = { datapathType: 'netdev', zones: [B], range: { first: 2, last: 9 } }
  t.deepEqual(await ensureCtTimeoutPolicies(client, elsewhere), { changed: true, conflicts: [] })
  t.is((await list()).length, 2)
})
