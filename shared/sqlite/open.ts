import { chmodSync, closeSync, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'better-sqlite3'
import { CrossportError, messageOf } from '../errors.ts'

export type { Database } from 'better-sqlite3'

/**
 * Opens a daemon's state file in WAL mode, so that a crash at any point leaves the last whole transaction (sqlite.org/wal.html),
 * and brings its schema up to date. `migrations[n]` leads from user_version n to n + 1; never edit one, append.
 *
 * @param path - `:memory:` stands for a database without a file (sqlite.org/inmemorydb.html)
 * @throws STORE_FAILED (it cannot be opened or written), STATE_CORRUPT, STATE_NEWER (a later version wrote it).
 */
export function openDatabase(path: string, migrations: readonly string[]): Database.Database {
  let database: Database.Database | undefined
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o750 })
    if (path !== ':memory:') keepOwn(path)
    database = new Database(path)
    database.pragma('journal_mode = WAL')
    database.pragma('synchronous = NORMAL')
    database.pragma('foreign_keys = ON')
    // In KiB. A state file is read once and then only written, so better-sqlite3's default of 16 MB is not needed.
    database.pragma('cache_size = -1024')
    migrate(database, path, migrations)
    check(database, path)
    return database
  } catch (cause) {
    database?.close()
    throw stateError(path, cause)
  }
}

/**
 * The file is its owner's alone, from its first byte on; SQLite gives the mode of the file to -wal and -shm
 * (sqlite3.c, findCreateFileMode).
 */
function keepOwn(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600))
  } catch {
    // It is there, or SQLite will say why it cannot be.
  }
  for (const part of ['', '-wal', '-shm']) {
    const mode = statSync(path + part, { throwIfNoEntry: false })?.mode ?? 0
    if ((mode & 0o077) !== 0) chmodSync(path + part, mode & 0o600)
  }
}

/** Finds damage now, and not when a damaged page is needed. */
function check(database: Database.Database, path: string): void {
  const [found] = database.pragma('quick_check(1)') as { quick_check: string }[]
  if (found?.quick_check === 'ok') return
  throw new CrossportError('STATE_CORRUPT', `state file ${path} is damaged: ${found?.quick_check}`, {
    fields: { FILE: path },
  })
}

function migrate(database: Database.Database, path: string, migrations: readonly string[]): void {
  const version = database.pragma('user_version', { simple: true }) as number
  if (version > migrations.length) {
    throw new CrossportError(
      'STATE_NEWER',
      `${path} has schema ${version}, this version knows up to ${migrations.length}`,
      {
        fields: { FILE: path },
      },
    )
  }
  database.transaction(() => {
    for (const [n, sql] of migrations.entries()) if (n >= version) database.exec(sql)
    database.pragma(`user_version = ${migrations.length}`)
  })()
}

/** An error for what SQLite said about the file, with a code and the file's name. */
export function stateError(path: string, cause: unknown): CrossportError {
  if (cause instanceof CrossportError) return cause
  const code = cause instanceof Database.SqliteError ? cause.code : ''
  const corrupt = code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB'
  const words: Readonly<Record<string, string>> = {
    SQLITE_FULL: 'no space left on the device',
    SQLITE_READONLY: 'it may not be written',
  }
  const reason = words[code] ?? messageOf(cause)
  return new CrossportError(corrupt ? 'STATE_CORRUPT' : 'STORE_FAILED', `cannot use state file ${path}: ${reason}`, {
    fields: { FILE: path },
    cause,
  })
}

/** The same function; what it throws is an error of the state file (`stateError`). */
export function stateWrite<A extends unknown[]>(path: string, write: (...args: A) => void): (...args: A) => void {
  return (...args) => {
    try {
      write(...args)
    } catch (cause) {
      throw stateError(path, cause)
    }
  }
}
