import { CrossportError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { OvsdbClient } from './connection.ts'
import { applyUpdates, emptyReplica, type Replica, type Tables, type UpdateForm } from './replica.ts'
import { matchSchema } from './schema.ts'
import type { Session } from './session.ts'

export interface MonitorOptions<T extends Tables> {
  readonly client: OvsdbClient
  /** Database name, 'Open_vSwitch'. */
  readonly database: string
  readonly tables: T
  readonly log: Log
  /** Called after the first answer of every session, and after each transaction that has changed a followed column. */
  onChange(replica: Replica<T>): void
  /** There is no session: the replica is not updated any more. */
  onLost(reason: string): void
}

/** Newest first; the next one is tried where the server does not know a method. */
const METHODS: readonly { method: string; update: string; form: UpdateForm }[] = [
  { method: 'monitor_cond_since', update: 'update3', form: 'differences' },
  { method: 'monitor_cond', update: 'update2', form: 'differences' },
  { method: 'monitor', update: 'update', form: 'whole-rows' },
]

/** Never asks for changes since a transaction: a standalone database keeps no history, and a full answer is always right. */
const NO_TRANSACTION = '00000000-0000-0000-0000-000000000000'

/**
 * Keeps an in-memory replica of some columns. In every session:
 * 1. get_schema shows which columns this server has; missing ones are not requested.
 * 2. monitor_cond_since, else monitor_cond, else monitor, whose first answer becomes a new replica.
 * 3. Each update is applied to it; an update that does not fit ends the session, and the next begins at 1.
 * Returns a function that stops it. Source: RFC 7047 section 4.1.5, ovsdb-server(7).
 */
export function monitorTables<T extends Tables>(options: MonitorOptions<T>): () => void {
  const { client, database, tables, log } = options
  const name = `crossport-${Object.keys(tables).join('-')}`
  let stopSession = () => {}

  const begin = (session: Session) => {
    let stopped = false
    let stopListening = () => {}
    stopSession = () => {
      stopped = true
      stopListening()
    }

    const fail = (error: CrossportError) => {
      log.warn('ovsdb: the monitor has failed and starts again', { err: error })
      stopSession()
      client.drop(error.message)
    }
    /** Returns false where `work` has found a protocol error; the session has been dropped then. */
    const attempt = (work: () => void): boolean => {
      try {
        work()
        return true
      } catch (error) {
        if (!(error instanceof CrossportError)) throw error
        fail(error)
        return false
      }
    }

    const ask = (columns: Readonly<Record<string, readonly string[]>>, index: number) => {
      const { method, update, form } = METHODS[index]!
      const requests = Object.fromEntries(Object.entries(columns).map(([t, c]) => [t, [{ columns: c }]]))
      const params = [database, name, requests, ...(method === 'monitor_cond_since' ? [NO_TRANSACTION] : [])]
      session.request(method, params, (result, error) => {
        if (stopped) return
        if (error?.fields.error === 'unknown method' && index + 1 < METHODS.length) return ask(columns, index + 1)
        if (error !== undefined) return fail(error)
        const replica = emptyReplica(tables)
        const first = () =>
          applyUpdates(tables, replica, form, method === 'monitor_cond_since' ? thirdOf(result) : result)
        if (!attempt(first)) return
        stopListening = session.listen((notified, params) => {
          if (params[0] !== name) return
          if (notified === 'monitor_canceled') {
            fail(new CrossportError('OVSDB_PROTOCOL', 'ovsdb-server cancelled the monitor'))
          } else if (notified === update && attempt(() => applyUpdates(tables, replica, form, params.at(-1)))) {
            options.onChange(replica)
          }
        })
        options.onChange(replica)
      })
    }

    session.request('get_schema', [database], (schema, error) => {
      if (stopped) return
      if (error !== undefined) return fail(error)
      attempt(() => {
        const { columns, missing } = matchSchema(tables, schema)
        if (missing.length > 0) log.notice('ovsdb: this schema lacks columns', { database, columns: missing.join(' ') })
        ask(columns, 0)
      })
    })
  }

  const stopFollowing = client.follow({
    up: begin,
    down: reason => {
      stopSession()
      options.onLost(reason)
    },
  })
  return () => {
    stopFollowing()
    stopSession()
  }
}

/** [found, last-txn-id, <table-updates2>] */
function thirdOf(result: unknown): unknown {
  if (Array.isArray(result) && result.length === 3) return result[2]
  throw new CrossportError('OVSDB_PROTOCOL', 'ovsdb monitor: answer to monitor_cond_since is not of three parts')
}
