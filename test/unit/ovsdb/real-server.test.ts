import { isDeepStrictEqual } from 'node:util'
import test, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import { PORT_TABLES } from '../../../agent/ports/tables.ts'
import { quiet } from '../../../shared/log/quiet.ts'
import { connectOvsdb, type OvsdbClient } from '../../../shared/ovsdb/connection.ts'
import { monitorTables } from '../../../shared/ovsdb/monitor.ts'
import type { Replica } from '../../../shared/ovsdb/replica.ts'
import * as ops from '../../../shared/ovsdb/transact.ts'
import { map, optional, scalar, set } from '../../../shared/ovsdb/values.ts'
import { systemClock } from '../../../shared/run/clock.ts'
import { startServer, type TestServer } from './_server.ts'
import { collector } from './_support.ts'

function connect(t: ExecutionContext, server: TestServer): OvsdbClient {
  const client = connectOvsdb({ socket: server.socket, log: quiet, clock: systemClock })
  t.teardown(() => client.close())
  return client
}

/** Table Mirror has columns of every shape, and its rows can be added and removed freely with the bridge. */
const TABLES = {
  Bridge: { name: scalar('string'), mirrors: set('uuid'), other_config: map('string', 'string') },
  Mirror: {
    name: scalar('string'),
    select_all: scalar('boolean'),
    select_vlan: set('integer'),
    output_vlan: optional('integer'),
    external_ids: map('string', 'string'),
  },
} as const
type Copy = Replica<typeof TABLES>

/** Resolves with the replica after the first answer. */
function follow(client: OvsdbClient) {
  let stop = () => {}
  const first = new Promise<Copy>((resolve, reject) => {
    stop = monitorTables({
      client,
      database: 'Open_vSwitch',
      tables: TABLES,
      log: quiet,
      onChange: resolve,
      onLost: reason => reject(new Error(reason)),
    })
  })
  return { first, stop }
}

const word = fc.constantFrom('', 'a', 'b', 'ü', '"{[\\', '1')
const vlans = fc.uniqueArray(fc.integer({ min: 0, max: 6 }), { maxLength: 5 })
const row = fc.record({
  select_all: fc.boolean(),
  select_vlan: vlans.map(ops.wireSet),
  output_vlan: fc.option(fc.integer({ min: 1, max: 3 })).map(vlan => ops.wireSet(vlan === null ? [] : [vlan])),
  external_ids: fc.dictionary(word, word, { maxKeys: 4 }).map(pairs => ops.wireMap(Object.entries(pairs))),
})
const name = fc.constantFrom('m1', 'm2', 'm3')
const bridge = [['name', '==', 'br0']] as const
const step = fc.oneof(
  fc.record({ kind: fc.constant('insert' as const), name, row }),
  fc.record({ kind: fc.constant('update' as const), name, row }),
  fc.record({ kind: fc.constant('delete' as const), name, row }),
)

test('any sequence of transactions leaves the replica as a fresh one', async t => {
  const server = await startServer(t)
  await server.vsctl('add-br', 'br0')
  const client = connect(t, server)
  const { first } = follow(client)
  const live = await first
  const rowOf = (wanted: string) => [...live.Mirror].find(([, { name }]) => name === wanted)?.[0]

  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async steps => {
      for (const { kind, name, row } of steps) {
        const known = rowOf(name)
        // The server sends the update before the answer (RFC 7047 section 4.1.6), so no wait is needed.
        if (kind === 'insert' && known === undefined) {
          const link = ops.mutate('Bridge', bridge, [['mirrors', 'insert', ops.namedUuid('m')]])
          await ops.transact(client, 'Open_vSwitch', [ops.insert('Mirror', { name, ...row }, 'm'), link])
        } else if (kind === 'update') {
          await ops.transact(client, 'Open_vSwitch', [ops.update('Mirror', [['name', '==', name]], row)])
        } else if (kind === 'delete' && known !== undefined) {
          const unlink = ops.mutate('Bridge', bridge, [['mirrors', 'delete', ops.uuid(known)]])
          await ops.transact(client, 'Open_vSwitch', [unlink])
        }
      }
      const second = connect(t, server)
      const fresh = await follow(second).first
      second.close()
      // The order of a set's members and of a map's pairs has no meaning.
      return isDeepStrictEqual(live, fresh)
    }),
    { numRuns: 40 },
  )
  t.pass()
})

test('a transaction that fails says which operation, and changes nothing', async t => {
  const server = await startServer(t)
  await server.vsctl('add-br', 'br0')
  const client = connect(t, server)
  await follow(client).first
  const change = ops.update('Bridge', bridge, { fail_mode: 'secure' })

  const guarded = ops.transact(client, 'Open_vSwitch', [
    ops.guardEqual('Bridge', bridge, { datapath_type: 'x' }),
    change,
  ])
  const timedOut = await t.throwsAsync(guarded, { code: 'OVSDB_TRANSACTION' })
  t.like(timedOut, { fields: { error: 'timed out', operation: 0 } })

  const wrong = ops.transact(client, 'Open_vSwitch', [change, ops.update('Bridge', bridge, { fail_mode: 'sideways' })])
  t.like(await t.throwsAsync(wrong), {
    code: 'OVSDB_TRANSACTION',
    fields: { error: 'constraint violation', operation: 1 },
  })

  const dangling = ops.transact(client, 'Open_vSwitch', [
    change,
    ops.mutate('Bridge', bridge, [['ports', 'insert', ops.uuid('8f767797-82cb-49ec-972d-8826a81b85ec')]]),
  ])
  const atCommit = await t.throwsAsync(dangling, {
    code: 'OVSDB_TRANSACTION',
    message: /commit: referential integrity/,
  })
  t.like(atCommit, { fields: { operation: 2 } })

  t.is((await server.vsctl('get', 'Bridge', 'br0', 'fail_mode')).trim(), '[]')
  const [selected, changed] = await ops.transact(client, 'Open_vSwitch', [
    ops.select('Bridge', bridge, ['name']),
    change,
  ])
  t.deepEqual([selected?.rows, changed?.count], [[{ name: 'br0' }], 1])
  t.is((await server.vsctl('get', 'Bridge', 'br0', 'fail_mode')).trim(), 'secure')
})

test('a restart of the server is a resync, with what changed meanwhile', async t => {
  const server = await startServer(t)
  await server.vsctl('add-br', 'br0')
  const events = collector<readonly string[] | string>()
  monitorTables({
    client: connect(t, server),
    database: 'Open_vSwitch',
    tables: { Bridge: PORT_TABLES.Bridge },
    log: quiet,
    onChange: ({ Bridge }) => events.add(Array.from(Bridge.values(), row => row.name)),
    onLost: events.add,
  })
  await events.until(names => names.includes('br0'))
  await server.stop()
  await events.until(event => typeof event === 'string')
  await server.start()
  await server.vsctl('del-br', 'br0', '--', 'add-br', 'br1')
  t.deepEqual(await events.until(names => names.includes('br1')), ['br1'])
})
