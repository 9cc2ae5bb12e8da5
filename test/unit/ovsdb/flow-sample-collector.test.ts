import test, { type ExecutionContext } from 'ava'
import { ensureFlowSampleCollector, removeFlowSampleCollector } from '../../../shared/ovsdb/flow-sample-collector.ts'
import { connected, startServer } from './_server.ts'

const PLACE = { bridge: 'br0', id: 50_949 }
const WANTED = { target: '127.0.0.1:4739', activeTimeout: 1, maxFlows: 100 }

async function setUp(t: ExecutionContext) {
  const server = await startServer(t)
  const client = await connected(t, server)
  await server.vsctl('add-br', 'br0')
  const rows = async (table: string, columns: string) =>
    (await server.vsctl('--bare', `--columns=${columns}`, 'list', table)).trim()
  return {
    server,
    client,
    sets: () => rows('Flow_Sample_Collector_Set', 'id'),
    exporters: () => rows('IPFIX', 'targets,cache_active_timeout,cache_max_flows'),
    /** Does what vswitchd does once it has read the change. */
    takeNote: async () => {
      await server.vsctl('wait-until', 'Open_vSwitch', '.', 'next_cfg=1')
      await server.vsctl('set', 'Open_vSwitch', '.', 'cur_cfg=1')
    },
  }
}

test('made, left alone while it is as it should be, changed, and removed once vswitchd has taken note', async t => {
  const { client, sets, exporters, takeNote, server } = await setUp(t)
  t.true(await ensureFlowSampleCollector(client, PLACE, WANTED))
  t.is(await sets(), '50949')
  t.is(await exporters(), '127.0.0.1:4739\n1\n100')
  const before = await server.vsctl('list', 'Flow_Sample_Collector_Set')
  t.true(await ensureFlowSampleCollector(client, PLACE, WANTED))
  t.is(await server.vsctl('list', 'Flow_Sample_Collector_Set'), before)
  t.true(await ensureFlowSampleCollector(client, PLACE, { ...WANTED, activeTimeout: 8 }))
  t.is(await exporters(), '127.0.0.1:4739\n8\n100')

  let removed = false
  const removing = removeFlowSampleCollector(client, PLACE).then(() => {
    removed = true
  })
  await server.vsctl('wait-until', 'Open_vSwitch', '.', 'next_cfg=1')
  t.is(await sets(), '')
  t.false(removed)
  await takeNote()
  await removing
  t.is(await exporters(), '')
  await removeFlowSampleCollector(client, PLACE)
  t.is((await server.vsctl('get', 'Open_vSwitch', '.', 'next_cfg')).trim(), '1')
})

test("somebody else's set of this number stays, and another bridge's does not matter", async t => {
  const { server, client, sets } = await setUp(t)
  await server.vsctl(
    '--id=@b',
    'get',
    'Bridge',
    'br0',
    '--',
    'create',
    'Flow_Sample_Collector_Set',
    'id=50949',
    'bridge=@b',
  )
  t.false(await ensureFlowSampleCollector(client, PLACE, WANTED))
  await removeFlowSampleCollector(client, PLACE)
  t.is(await sets(), '50949')
  await server.vsctl('add-br', 'br1')
  t.true(await ensureFlowSampleCollector(client, { ...PLACE, bridge: 'br1' }, WANTED))
  t.is((await sets()).split('\n').filter(line => line !== '').length, 2)
  t.false(await ensureFlowSampleCollector(client, { ...PLACE, bridge: 'br2' }, WANTED))
})
