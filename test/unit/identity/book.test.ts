import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import Database from 'better-sqlite3'
import { init } from '../../../director/commands/init.ts'
import { makeToken } from '../../../director/commands/token.ts'
import { bookFile, commandConfigSchema } from '../../../director/config.ts'
import { openBook } from '../../../director/pki/book.ts'
import { hostValidity, openIssuer } from '../../../director/pki/issuer.ts'
import { MIGRATIONS } from '../../../director/pki/migrations.ts'
import { openOwnBook } from '../../../director/pki/own-book.ts'
import { ERRORS } from '../../../shared/errors.ts'
import { tempDir } from '../cleanup.ts'

/** A machine where `init` is to be run. */
function machine(t: ExecutionContext) {
  const dir = tempDir(t)
  const config = commandConfigSchema.parse({ id: 'd1', pki: join(dir, 'pki'), stateFile: join(dir, 'director.db') })
  const lostAt = () => {
    const book = openOwnBook(bookFile(config), config.pki)
    const at = book.lostAt()
    book.close()
    return at
  }
  return { config, file: bookFile(config), lostAt }
}

test('`init` makes the book with the CA; a book that is lost is told of until an operator has settled it', async t => {
  const { config, file, lostAt } = machine(t)
  await init(config)
  t.true(existsSync(file))
  t.is(lostAt(), undefined)
  rmSync(file)
  await init(config)
  t.true(lostAt()! <= Date.now(), 'a second `init` does not hide it')
  t.truthy(lostAt(), 'nor does a restart')
  await init(config, true)
  t.is(lostAt(), undefined)
})

test('`init` that was interrupted between its files says what to do', async t => {
  const { config } = machine(t)
  await init(config)
  rmSync(join(config.pki, 'ca.crt'))
  await t.throwsAsync(init(config), { code: 'PKI_INCOMPLETE', message: /ca\.key is there, and .*ca\.crt is not/ })
  t.throws(() => makeToken(config, { ttl: 1000 }), { code: 'PKI_INCOMPLETE' })
  await t.throwsAsync(openIssuer(config.pki), { code: 'PKI_INCOMPLETE' })
})

test('soon after a revocation a certificate begins now: other directors may have been told a little later', async t => {
  const began = async (ago: number | undefined) => {
    const now = Date.now()
    const { notBefore } = await hostValidity(ago === undefined ? undefined : now - ago, 86_400_000)
    return now - notBefore.getTime()
  }
  t.true((await began(30_000)) <= 1000)
  t.true((await began(0)) <= 0, 'in the next second')
  for (const ago of [undefined, 7_200_000]) t.true((await began(ago)) >= 300_000)
})

test('a damaged book, or one of a later version, is told of with its own way out', t => {
  const { file } = machine(t)
  writeFileSync(file, 'x'.repeat(8192))
  t.throws(() => openBook(file), { code: 'BOOK_UNUSABLE', message: /the book of certificates .*authority\.db/ })
  rmSync(file)
  openBook(file).close()
  const db = new Database(file)
  db.pragma('user_version = 99')
  db.close()
  t.throws(() => openBook(file), { code: 'BOOK_UNUSABLE', message: /schema 99/ })
  t.notRegex(ERRORS.BOOK_UNUSABLE.hint, /rebuild-state/)
})

test('a book of before is taken over', t => {
  const { file } = machine(t)
  const db = new Database(file)
  db.exec(MIGRATIONS[0]!)
  db.exec("INSERT INTO holder VALUES ('host', 'rs1', 9999999999999); PRAGMA user_version = 1")
  db.close()
  const book = openBook(file)
  t.teardown(() => book.close())
  const rs1 = { role: 'host', name: 'rs1' } as const
  t.true(book.isCurrent(rs1, 'A'), 'the first that comes is believed')
  t.true(book.renewed(rs1, 'A', { serial: 'B', notBefore: 1, notAfter: 2 }))
  t.false(book.isCurrent(rs1, 'C'))
  t.true(book.revoke('rs1', Date.now()))
})
