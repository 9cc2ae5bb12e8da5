import { EventEmitter } from 'node:events'
import { readFileSync } from 'node:fs'
import type { Duplex } from 'node:stream'
import { quiet } from '../../../shared/log/quiet.ts'
import { createJsonFramer } from '../../../shared/ovsdb/json-framer.ts'
import { monitorTables } from '../../../shared/ovsdb/monitor.ts'
import { createSession } from '../../../shared/ovsdb/session.ts'
import { resultsOf, select } from '../../../shared/ovsdb/transact.ts'
import { map, optional, scalar, set } from '../../../shared/ovsdb/values.ts'
import type { Target } from '../engine.ts'

const TABLES = {
  Bridge: { name: scalar('string'), ports: set('uuid'), fail_mode: optional('string') },
  Interface: { ofport: optional('integer'), external_ids: map('string', 'string'), link: scalar('boolean') },
}
const ID = '8f767797-82cb-49ec-972d-8826a81b85ec'
const UUIDS = { key: { type: 'uuid' }, min: 0, max: 'unlimited' }
const STRINGS = { key: 'string', value: 'string', min: 0, max: 'unlimited' }
const SCHEMA = {
  tables: {
    Bridge: {
      columns: { name: { type: 'string' }, ports: { type: UUIDS }, fail_mode: { type: { key: 'string', min: 0 } } },
    },
    Interface: {
      columns: {
        ofport: { type: { key: 'integer', min: 0 } },
        external_ids: { type: STRINGS },
        link: { type: 'boolean' },
      },
    },
  },
}
const ROW = { name: 'br0', ports: ['set', [['uuid', ID]]], fail_mode: ['set', []] }
const PORT = { ofport: 3, external_ids: ['map', [['owner', 'crossport']]], link: true }
const MONITOR = 'crossport-Bridge-Interface'
const FIRST = { Bridge: { [ID]: { insert: ROW } }, Interface: { [ID]: { initial: PORT } } }

const answer = (id: number, result: unknown, error: unknown = null) => ({ id, result, error })
const update = (updates: unknown) => ({ id: null, method: 'update3', params: [MONITOR, ID, updates] })

const recorded = readFileSync(new URL('../../unit/ovsdb/vectors.jsonl', import.meta.url), 'utf8')
  .split('\n')
  .filter(line => line !== '' && line.length < 4096)
  .map(line => Buffer.from(line))

const OPENED = [answer(0, SCHEMA), answer(1, [false, ID, FIRST])]
const TALKS: readonly (readonly object[])[] = [
  OPENED,
  [...OPENED, update({ Bridge: { [ID]: { modify: { ports: ['uuid', ID], fail_mode: 'secure' } } } })],
  [...OPENED, update({ Interface: { [ID]: { delete: null } } }), { id: 'x', method: 'echo', params: [] }],
  [answer(0, SCHEMA), answer(1, null, { error: 'unknown method', details: '' }), answer(2, FIRST)],
  [answer(0, SCHEMA), answer(1, null, 'unknown method'), answer(2, null, 'unknown method'), answer(3, FIRST)],
  [answer(100, [{ rows: [ROW] }, { count: 1 }, { uuid: ['uuid', ID] }])],
  [answer(100, [{}, { error: 'timed out', details: 'x' }, null])],
  [...OPENED, { id: null, method: 'monitor_canceled', params: [MONITOR] }],
]

/** What ovsdb-server sends, as bytes of its stream to a session that follows some tables. */
export const ovsdb: Target = {
  name: 'ovsdb',
  seeds: [...TALKS.map(talk => Buffer.from(talk.map(message => JSON.stringify(message)).join(''))), ...recorded],
  refuses: ['OVSDB_PROTOCOL', 'OVSDB_SCHEMA', 'OVSDB_TRANSACTION'],
  run: input => {
    const stream = Object.assign(new EventEmitter(), { write: () => true, destroy: () => {}, writableLength: 0 })
    let unexpected: unknown
    const log = { ...quiet, error: (_: string, fields?: { err?: unknown }) => void (unexpected ??= fields?.err) }
    const clock = { now: () => 0, wall: () => 0, after: () => () => {} }
    const session = createSession(stream as unknown as Duplex, { log, clock: clock as never, maxBytes: 1 << 20 })
    const client = {
      call: session.call,
      drop: () => session.close(),
      close: () => {},
      follow: (listener: { up(of: typeof session): void }) => {
        listener.up(session)
        return () => {}
      },
    }
    monitorTables({ client, database: 'Open_vSwitch', tables: TABLES, log, onChange: () => {}, onLost: () => {} })
    const middle = input.length >> 1
    stream.emit('data', input.subarray(0, middle))
    stream.emit('data', input.subarray(middle))
    session.close()
    if (unexpected !== undefined) throw unexpected
    for (const message of createJsonFramer(1 << 20).push(input))
      if ('result' in message) resultsOf(message.result, [select('Bridge', [], [])])
  },
}
