import type { Socket } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import { quiet } from '../../../shared/log/quiet.ts'
import { connectOvsdb } from '../../../shared/ovsdb/connection.ts'
import { monitorTables } from '../../../shared/ovsdb/monitor.ts'
import type { Replica } from '../../../shared/ovsdb/replica.ts'
import { transact } from '../../../shared/ovsdb/transact.ts'
import { scalar } from '../../../shared/ovsdb/values.ts'
import { systemClock } from '../../../shared/run/clock.ts'
import { collector, type PeerMessage, startPeer } from './_support.ts'

const TABLES = { Bridge: { name: scalar('string') } }
const SCHEMA = { tables: { Bridge: { columns: { name: { type: 'string' } } } } }
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

/** What a good server says; true where it had an answer. */
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
