import { CrossportError } from '../../shared/errors.ts'
import type { Role } from '../../shared/pki/names.ts'
import { secretHash } from '../../shared/pki/token.ts'
import { type Database, openDatabase, stateError } from '../../shared/sqlite/open.ts'
import { MIGRATIONS } from './migrations.ts'
import { type Applicant, holderProblem, revocationProblem, type TokenRow, tokenProblem } from './problems.ts'

export type { Applicant } from './problems.ts'

/** Whom a token is for. */
export interface TokenTerms {
  readonly role: Role
  /** Undefined: for any host. */
  readonly name: string | undefined
  /** Milliseconds since 1970. */
  readonly endsAt: number
}

/** A certificate that has been issued. */
export interface Issued {
  /** In hexadecimal, as `node:crypto` tells it. */
  readonly serial: string
  /** Milliseconds since 1970. */
  readonly notBefore: number
  readonly notAfter: number
}

/**
 * What the director's machine remembers of tokens, certificates and revocations: a file that the daemon and the commands share.
 * It is not the state file, because that may be built anew, and a host that was revoked must not come back by it.
 */
export interface Book {
  addToken(secret: string, terms: TokenTerms): void
  /** Why this token does not let the applicant in now; undefined: it does. */
  refusal(secret: string, applicant: Applicant, now: number): string | undefined
  /** Takes the token, and writes down the certificate that the applicant has; or says why not, as `refusal` does. */
  redeem(secret: string, applicant: Applicant, now: number, issued: Issued): string | undefined
  /**
   * Whether a certificate with that serial may be renewed: it is the newest of its name, or the one before, as long as nobody has
   * shown the newest, which may not have arrived. One that is older has been renewed by another who has its key.
   */
  isCurrent(applicant: Applicant, serial: string): boolean
  /** The one with that serial is replaced, if it `isCurrent`; returns whether it was. Undefined: that of this machine itself. */
  renewed(applicant: Applicant, serial: string | undefined, issued: Issued): boolean
  /** Whether a certificate was issued here by that name, or, for a host, revoked. */
  knows(applicant: Applicant): boolean
  /** Somebody has shown it: when it is the newest of its name, it has arrived. */
  shown(applicant: Applicant, serial: string): void
  /** Certificates that were issued until now are of no use, nor are tokens. Returns whether the host is known. */
  revoke(hostId: string, now: number): boolean
  revokedAt(hostId: string): number | undefined
  /** A host that was revoked has come back with a newer certificate. */
  cameBack(hostId: string): void
  /** Hosts that were revoked and have not come back. */
  gone(): readonly string[]
  /** The book before this one was lost. */
  lost(now: number): void
  /** When that was found; undefined: it was not, or it is settled. */
  lostAt(): number | undefined
  /** An operator says that all who were revoked before the loss are revoked here, too. */
  settle(): void
  close(): void
}

/** A token that has ended says so for so long. */
const REMEMBER_MS = 24 * 3_600_000

interface HolderRow {
  readonly not_after: number
  readonly serial: string | null
  readonly predecessor: string | null
  readonly not_before: number
}

/** A damaged book is not built anew from anything, as a state file is. */
function bookError(file: string, cause: unknown): CrossportError {
  const error = stateError(file, cause)
  if (error.code !== 'STATE_CORRUPT' && error.code !== 'STATE_NEWER') return error
  return new CrossportError('BOOK_UNUSABLE', error.message.replace('state file', 'the book of certificates'), {
    fields: { FILE: file },
    cause,
  })
}

function openFile(file: string): Database {
  try {
    const db = openDatabase(file, MIGRATIONS)
    // Who was told that a host is revoked relies on it, also when the power fails.
    db.pragma('synchronous = FULL')
    return db
  } catch (cause) {
    throw bookError(file, cause)
  }
}

/** Throws STORE_FAILED, BOOK_UNUSABLE, and so do its functions. */
export function openBook(file: string): Book {
  const db = openFile(file)
  const statements = prepare(db)
  const refusal: Book['refusal'] = (secret, applicant, now) => {
    const token = statements.token.get(secretHash(secret)) as TokenRow | undefined
    return (
      tokenProblem(token, applicant, now) ??
      holderProblem(holderOf(applicant)?.not_after, applicant, now) ??
      (applicant.role === 'host'
        ? revocationProblem(token!, applicant.name, revokedAt(applicant.name), now)
        : undefined)
    )
  }
  const holderOf = ({ role, name }: Applicant) => statements.holder.get(role, name) as HolderRow | undefined
  const hold = ({ role, name }: Applicant, predecessor: string | undefined, issued: Issued) => {
    const notBefore = Math.max(issued.notBefore, holderOf({ role, name })?.not_before ?? 0)
    statements.hold.run(role, name, issued.notAfter, issued.serial, predecessor ?? null, notBefore)
  }
  const isCurrent: Book['isCurrent'] = (applicant, serial) => {
    const holder = holderOf(applicant)
    // A book without the name, or its serial, is a new one: the first that comes is believed.
    if (holder === undefined || holder.serial === null) return true
    return serial === holder.serial || serial === holder.predecessor
  }
  const renewed = db.transaction<Book['renewed']>((applicant, serial, issued) => {
    if (serial !== undefined && !isCurrent(applicant, serial)) return false
    hold(applicant, serial, issued)
    return true
  })
  const redeem = db.transaction<Book['redeem']>((secret, applicant, now, issued) => {
    const reason = refusal(secret, applicant, now)
    if (reason !== undefined) return reason
    statements.use.run(now, applicant.name, secretHash(secret))
    hold(applicant, undefined, issued)
    return undefined
  })
  const revokedAt: Book['revokedAt'] = hostId => (statements.revoked.get(hostId) as { at: number } | undefined)?.at
  const knows: Book['knows'] = applicant =>
    holderOf(applicant) !== undefined || (applicant.role === 'host' && revokedAt(applicant.name) !== undefined)
  const revoke = db.transaction<Book['revoke']>((hostId, now) => {
    const known = knows({ role: 'host', name: hostId })
    // The clock may have been set back since: no certificate that was issued may be younger.
    const newest = holderOf({ role: 'host', name: hostId })?.not_before ?? 0
    statements.revoke.run(hostId, Math.max(now, newest, revokedAt(hostId) ?? 0))
    statements.withdraw.run(hostId)
    statements.release.run(hostId)
    return known
  })
  const guarded = <A extends unknown[], R>(work: (...args: A) => R) => {
    return (...args: A): R => {
      try {
        return work(...args)
      } catch (cause) {
        throw bookError(file, cause)
      }
    }
  }
  return {
    addToken: guarded((secret, { role, name, endsAt }) => {
      const now = Date.now()
      statements.forget.run(now - REMEMBER_MS)
      statements.add.run(secretHash(secret), role, name ?? null, endsAt, now)
    }),
    refusal: guarded(refusal),
    redeem: guarded(redeem.immediate),
    isCurrent: guarded(isCurrent),
    knows: guarded(knows),
    renewed: guarded(renewed.immediate),
    shown: guarded(({ role, name }, serial) => {
      // Nearly always there is nothing to write, and so nothing to wait for.
      const holder = holderOf({ role, name })
      if (holder?.serial === serial && holder.predecessor !== null) statements.shown.run(role, name, serial)
    }),
    revoke: guarded(revoke.immediate),
    revokedAt: guarded(revokedAt),
    cameBack: guarded(hostId => void statements.back.run(hostId)),
    gone: guarded(() => (statements.gone.all() as { host_id: string }[]).map(row => row.host_id)),
    lost: guarded(now => void statements.lost.run(now)),
    lostAt: guarded(() => (statements.lostAt.get() as { at: number } | undefined)?.at),
    settle: guarded(() => void statements.settle.run()),
    close: () => db.close(),
  }
}

function prepare(db: Database) {
  return {
    forget: db.prepare('DELETE FROM token WHERE ends_at < ?'),
    add: db.prepare('INSERT INTO token (hash, role, name, ends_at, made_at) VALUES (?, ?, ?, ?, ?)'),
    token: db.prepare('SELECT * FROM token WHERE hash = ?'),
    use: db.prepare('UPDATE token SET used_at = ?, used_by = ? WHERE hash = ?'),
    holder: db.prepare('SELECT * FROM holder WHERE role = ? AND name = ?'),
    hold: db.prepare(
      'INSERT OR REPLACE INTO holder (role, name, not_after, serial, predecessor, not_before) VALUES (?, ?, ?, ?, ?, ?)',
    ),
    shown: db.prepare('UPDATE holder SET predecessor = NULL WHERE role = ? AND name = ? AND serial = ?'),
    lost: db.prepare('INSERT INTO loss (at) VALUES (?)'),
    lostAt: db.prepare('SELECT at FROM loss'),
    settle: db.prepare('DELETE FROM loss'),
    withdraw: db.prepare("DELETE FROM token WHERE role = 'host' AND name = ? AND used_at IS NULL"),
    release: db.prepare("DELETE FROM holder WHERE role = 'host' AND name = ?"),
    revoke: db.prepare('INSERT OR REPLACE INTO revocation (host_id, at, came_back) VALUES (?, ?, 0)'),
    revoked: db.prepare('SELECT at FROM revocation WHERE host_id = ?'),
    back: db.prepare('UPDATE revocation SET came_back = 1 WHERE host_id = ? AND came_back = 0'),
    gone: db.prepare('SELECT host_id FROM revocation WHERE came_back = 0'),
  }
}
