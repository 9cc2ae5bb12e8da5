import type { Socket } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import { quiet } from '../../../shared/log/quiet.ts'
import { connectOvsdb } from '../../../shared/ovsdb/connection.ts'
import { monitorTables } from '../../../shared/ovsdb/monitor.ts'
import type { Replica } from '../../../shared/ovsdb/replica.ts'
import { select, transact } from '../../../shared/ovsdb/transact.ts'
import { optional, scalar } from '../../../shared/ovsdb/values.ts'
import { systemClock } from '../../../shared/run/clock.ts'
import { collector, type PeerMessage, startPeer } from './_support.ts'

const TABLES = { Bridge: { name: scalar('string'), controller: optional('uuid') } }
const UUIDS = { key: { type: 'uuid' }, min: 0 }
const SCHEMA = { tables: { Bridge: { columns: { name: { type: 'string' }, controller: { type: UUIDS } } } } }
const ID = '8f767797-82cb-49ec-972d-8826a81b85ec'
type Event = { readonly lost: string } | { readonly names: readonly string[] }

/** A monitor against a scripted peer: `serve(nth connection, its socket, message)`. */
async function against(
  t: ExecutionContext,
  serve: (nth: number, socket: Socket, message: PeerMessage) => void,
  maxBytes = 10_000,
) {
  let connections = 0
  const peer = await startPeer((socket, onMessage) => {
    const nth = ++connections
    onMessage(message => serve(nth, socket, message))
  })
  const events = collector<Event>()
  const reconnect = { fastRetry: 1, minBackoff: 1, maxBackoff: 10 }
  const client = connectOvsdb({ socket: peer.path, log: quiet, clock: systemClock, maxBytes, reconnect })
  monitorTables({
    client,
    database: 'Open_vSwitch',
    tables: TABLES,
    log: quiet,
    onChange: (replica: Replica<typeof TABLES>) =>
      events.add({ names: Array.from(replica.Bridge.values(), row => row.name) }),
    onLost: lost => events.add({ lost }),
  })
  t.teardown(async () => {
    client.close()
    await peer.close()
  })
  return { client, events, until: (name: string) => events.until(e => 'names' in e && e.names.includes(name)) }
}

const send = (socket: Socket, message: object) => socket.write(JSON.stringify(message))
const insert = (name: string) => ({ Bridge: { [ID]: { insert: { name } } } })

/** Answers as a good server; true where it had an answer. */
function good(socket: Socket, { id, method, params }: PeerMessage, name: string) {
  if (method === 'get_schema') send(socket, { id, result: SCHEMA, error: null })
  if (method === 'monitor_cond_since') send(socket, { id, result: [false, ID, insert(name)], error: null })
  if (method === 'echo') send(socket, { id, result: params, error: null })
}

for (const [what, attack] of Object.entries<(socket: Socket, monitor: unknown) => void>({
  garbage: socket => socket.write('no json at all'),
  'a message over the cap': socket => socket.write(`{"x":"${'x'.repeat(20_000)}`),
  'a change of an unknown row': (socket, monitor) =>
    send(socket, {
      id: null,
      method: 'update3',
      params: [monitor, ID, { Bridge: { [ID.replace('8', '9')]: { modify: {} } } }],
    }),
  'an update that is no update': (socket, monitor) =>
    send(socket, { id: null, method: 'update3', params: [monitor, ID, 7] }),
  'params that are no array': socket => send(socket, { id: null, method: 'update3', params: 'x' }),
  'a cancelled monitor': (socket, monitor) => send(socket, { id: null, method: 'monitor_canceled', params: [monitor] }),
  'a closed connection': socket => socket.destroy(),
  'nesting without end': (socket, monitor) =>
    socket.write(`{"id":"echo","method":"echo","params":["${monitor}",${'['.repeat(5000)}${']'.repeat(5000)}]}`),
  'nesting without end in an update': (socket, monitor) =>
    socket.write(
      `{"id":null,"method":"update3","params":["${monitor}","${ID}",{"Bridge":{"${ID}":{"insert":{"name":${'['.repeat(5000)}${']'.repeat(5000)}}}}}]}`,
    ),
  'a uuid that is an object without a text': (socket, monitor) =>
    send(socket, {
      id: null,
      method: 'update3',
      params: [monitor, ID, { Bridge: { [ID]: { insert: { controller: ['uuid', { toString: 1 }] } } } }],
    }),
})) {
  test(`${what}: the session ends, the next one resynchronizes`, async t => {
    const { events, until } = await against(t, (nth, socket, message) => {
      good(socket, message, nth === 1 ? 'first' : 'second')
      if (nth === 1 && message.method === 'monitor_cond_since') attack(socket, message.params![1])
    })
    await until('second')
    const names = events.seen.map(event => ('names' in event ? event.names.join() : 'lost'))
    t.is(names.at(-1), 'second')
    t.true(names.includes('lost'))
  })
}

test('echo is answered, other requests refused, unknown notifications and answers ignored', async t => {
  const answers = collector<PeerMessage>()
  const { until, events } = await against(t, (_, socket, message) => {
    if (message.method === undefined) answers.add(message)
    good(socket, message, 'first')
    if (message.method !== 'monitor_cond_since') return
    send(socket, { id: null, method: 'stolen', params: ['x'] })
    send(socket, { id: null, method: 'update3', params: ['of another monitor', ID, insert('wrong')] })
    send(socket, { id: 4711, result: {}, error: null })
    send(socket, { id: 'echo', method: 'echo', params: [1, 'a'] })
    send(socket, { id: 'bad', method: 'shutdown', params: [] })
    send(socket, { id: null, method: 'update3', params: [message.params![1], ID, insert('after')] })
  })
  await until('after')
  await answers.until(answer => answer.id === 'bad')
  t.deepEqual(answers.seen, [
    { id: 'echo', result: [1, 'a'], error: null },
    { id: 'bad', result: null, error: 'unknown method' },
  ])
  t.false(events.seen.some(event => 'lost' in event || event.names.includes('wrong')))
})

test('an update in the same packet as the first answer is not lost', async t => {
  const { events, until } = await against(t, (_, socket, message) => {
    if (message.method !== 'monitor_cond_since') return good(socket, message, '')
    const answer = JSON.stringify({ id: message.id, result: [false, ID, insert('first')], error: null })
    const params = [message.params![1], ID, { Bridge: { [ID]: { modify: { name: 'second' } } } }]
    socket.write(answer + JSON.stringify({ id: null, method: 'update3', params }))
  })
  await until('second')
  t.deepEqual(events.seen, [{ names: ['first'] }, { names: ['second'] }])
})

test('falls back to monitor_cond, then to monitor, where the server does not know better', async t => {
  for (const known of ['monitor_cond', 'monitor']) {
    const asked: string[] = []
    const { until } = await against(t, (_, socket, { id, method, params }) => {
      asked.push(method!)
      const initial =
        known === 'monitor'
          ? { Bridge: { [ID]: { new: { name: 'a' } } } }
          : { Bridge: { [ID]: { initial: { name: 'a' } } } }
      if (method === 'get_schema') send(socket, { id, result: SCHEMA, error: null })
      else if (method !== known) send(socket, { id, result: null, error: { error: 'unknown method', details: '' } })
      else {
        const change = known === 'monitor' ? { new: { name: 'b' }, old: { name: 'a' } } : { modify: { name: 'b' } }
        send(socket, { id, result: initial, error: null })
        const update = known === 'monitor' ? 'update' : 'update2'
        send(socket, { id: null, method: update, params: [params![1], { Bridge: { [ID]: change } }] })
      }
    })
    await until('b')
    t.deepEqual(
      asked,
      ['get_schema', 'monitor_cond_since', 'monitor_cond', 'monitor'].slice(0, known === 'monitor' ? 4 : 3),
    )
  }
})

test('a column of another type in the schema is not read', async t => {
  const { events } = await against(t, (_, socket, { id }) => {
    send(socket, { id, result: { tables: { Bridge: { columns: { name: { type: 'integer' } } } } }, error: null })
  })
  const event = await events.until(e => 'lost' in e)
  t.regex('lost' in event ? event.lost : '', /Bridge\.name is not of the type/)
})

for (const type of [null, 7, { key: null }, { key: { type: { toString: 1 } } }, []]) {
  test(`a column of type ${JSON.stringify(type)} in the schema is not read`, async t => {
    const { events } = await against(t, (_, socket, { id }) =>
      send(socket, { id, result: { tables: { Bridge: { columns: { name: { type } } } } }, error: null }),
    )
    const event = await events.until(e => 'lost' in e)
    t.regex('lost' in event ? event.lost : '', /Bridge\.name is not of the type/)
  })
}

const NO_TEXT = { toString: 1 }

for (const error of [{ error: 'x', details: NO_TEXT }, { error: NO_TEXT }, NO_TEXT, [NO_TEXT], 7, true]) {
  test(`an error that is ${JSON.stringify(error)} is an error of ours`, async t => {
    const { client, until } = await against(t, (_, socket, message) => {
      good(socket, message, 'first')
      if (message.method === 'fails') send(socket, { id: message.id, result: null, error })
      if (message.method === 'transact') send(socket, { id: message.id, result: [{ ...NO_TEXT, error }], error: null })
    })
    await until('first')
    await t.throwsAsync(client.call('fails', []), { code: 'OVSDB_CALL_FAILED' })
    await t.throwsAsync(transact(client, 'Open_vSwitch', [select('Bridge', [], [])]), { code: 'OVSDB_TRANSACTION' })
  })
}

for (const result of [null, 7, 'x', [], { rows: 1 }, { rows: [null] }, { rows: [[]] }, { rows: {} }]) {
  test(`the result ${JSON.stringify(result)} of an operation is refused`, async t => {
    const { client, until } = await against(t, (_, socket, message) => {
      good(socket, message, 'first')
      if (message.method === 'transact') send(socket, { id: message.id, result: [result], error: null })
    })
    await until('first')
    await t.throwsAsync(transact(client, 'Open_vSwitch', [select('Bridge', [], [])]), { code: 'OVSDB_PROTOCOL' })
  })
}

test('what a follower of the database cannot deal with ends the session, not the daemon', async t => {
  let connections = 0
  const { client, until } = await against(t, (nth, socket, message) => {
    connections = nth
    good(socket, message, `session ${nth}`)
  })
  await until('session 1')
  client.follow({
    up: session =>
      void session.request('echo', [], () => {
        if (connections === 1) throw new TypeError('not as expected')
      }),
    down() {},
  })
  await until('session 2')
  t.is(connections, 2)
})

test('calls end with the reason: error, time-out, lost connection, not connected', async t => {
  const { client, events, until } = await against(t, (nth, socket, message) => {
    good(socket, message, `session ${nth}`)
    if (message.method === 'fails')
      send(socket, { id: message.id, result: null, error: { error: 'no', details: 'reason' } })
    if (message.method === 'dies') socket.destroy()
    if (message.method === 'transact') send(socket, { id: message.id, result: 'x', error: null })
  })
  await until('session 1')
  await t.throwsAsync(client.call('fails', []), { code: 'OVSDB_CALL_FAILED', message: 'ovsdb-server: no: reason' })
  await t.throwsAsync(client.call('silent', [], 1), { code: 'OVSDB_TIMEOUT' })
  await t.throwsAsync(transact(client, 'Open_vSwitch', []), { code: 'OVSDB_PROTOCOL' })
  await t.throwsAsync(client.call('dies', []), { code: 'OVSDB_UNREACHABLE' })
  t.true(events.seen.some(event => 'lost' in event))
  client.close()
  await t.throwsAsync(client.call('fails', []), { code: 'OVSDB_UNREACHABLE' })
})

test('a silent peer is probed and dropped', async t => {
  let connections = 0
  const peer = await startPeer((_socket, onMessage) => {
    connections++
    onMessage(() => {})
  })
  const down = collector<string>()
  const reconnect = { fastRetry: 1, minBackoff: 1, probeInterval: 20 }
  const client = connectOvsdb({ socket: peer.path, log: quiet, clock: systemClock, reconnect })
  client.follow({ up() {}, down: down.add })
  t.teardown(async () => {
    client.close()
    await peer.close()
  })
  t.regex(await down.until(() => true), /inactivity probe/)
  t.true(connections >= 1)
})
