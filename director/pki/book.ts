import type { Role } from '../../shared/pki/names.ts'
import { secretHash } from '../../shared/pki/token.ts'
import { type Database, openDatabase, stateError } from '../../shared/sqlite/open.ts'

/** Whom a token is for. */
export interface TokenTerms {
  readonly role: Role
  /** Undefined: for any host. */
  readonly name: string | undefined
  /** Milliseconds since 1970. */
  readonly endsAt: number
}

export interface Applicant {
  readonly role: Role
  readonly name: string
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
  /** Somebody has shown it: when it is the newest of its name, it has arrived. */
  shown(applicant: Applicant, serial: string): void
  /** Certificates that were issued until now are of no use, nor are tokens. Returns whether any certificate of the host is known. */
  revoke(hostId: string, now: number): boolean
  revokedAt(hostId: string): number | undefined
  /** A host that was revoked has come back with a newer certificate. */
  cameBack(hostId: string): void
  /** Hosts that were revoked and have not come back. */
  gone(): readonly string[]
  close(): void
}

const MIGRATIONS = [
  `
  -- A token's secret is stored as its SHA-256.
  CREATE TABLE token (
    hash TEXT PRIMARY KEY,
    role TEXT NOT NULL,
    name TEXT,
    ends_at INTEGER NOT NULL,
    used_at INTEGER,
    used_by TEXT
  ) STRICT;
  -- Who has a certificate, and until when the newest is valid.
  CREATE TABLE holder (
    role TEXT NOT NULL,
    name TEXT NOT NULL,
    not_after INTEGER NOT NULL,
    PRIMARY KEY (role, name)
  ) STRICT;
  CREATE TABLE revocation (
    host_id TEXT PRIMARY KEY,
    at INTEGER NOT NULL,
    came_back INTEGER NOT NULL
  ) STRICT;
  `,
  `
  -- The newest certificate of a name, and the one before, until the newest has been shown. NULL: not known yet.
  ALTER TABLE holder ADD COLUMN serial TEXT;
  ALTER TABLE holder ADD COLUMN predecessor TEXT;
  ALTER TABLE holder ADD COLUMN not_before INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE token ADD COLUMN made_at INTEGER NOT NULL DEFAULT 0;
  `,
]

/** A token that has ended says so for so long. */
const REMEMBER_MS = 24 * 3_600_000

interface TokenRow {
  readonly role: string
  readonly name: string | null
  readonly ends_at: number
  readonly used_at: number | null
  readonly used_by: string | null
  readonly made_at: number
}

interface HolderRow {
  readonly not_after: number
  readonly serial: string | null
  readonly predecessor: string | null
  readonly not_before: number
}

/** Throws STORE_FAILED, STATE_CORRUPT, STATE_NEWER; its functions throw STORE_FAILED or STATE_CORRUPT. */
export function openBook(file: string): Book {
  const db = openDatabase(file, MIGRATIONS)
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
  const revoke = db.transaction<Book['revoke']>((hostId, now) => {
    // The clock may have been set back since: no certificate that was issued may be younger.
    const newest = holderOf({ role: 'host', name: hostId })?.not_before ?? 0
    statements.revoke.run(hostId, Math.max(now, newest, revokedAt(hostId) ?? 0))
    statements.withdraw.run(hostId)
    return statements.release.run(hostId).changes > 0
  })
  const guarded = <A extends unknown[], R>(work: (...args: A) => R) => {
    return (...args: A): R => {
      try {
        return work(...args)
      } catch (cause) {
        throw stateError(file, cause)
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
    withdraw: db.prepare("DELETE FROM token WHERE role = 'host' AND name = ? AND used_at IS NULL"),
    release: db.prepare("DELETE FROM holder WHERE role = 'host' AND name = ?"),
    revoke: db.prepare('INSERT OR REPLACE INTO revocation (host_id, at, came_back) VALUES (?, ?, 0)'),
    revoked: db.prepare('SELECT at FROM revocation WHERE host_id = ?'),
    back: db.prepare('UPDATE revocation SET came_back = 1 WHERE host_id = ? AND came_back = 0'),
    gone: db.prepare('SELECT host_id FROM revocation WHERE came_back = 0'),
  }
}

function tokenProblem(token: TokenRow | undefined, { role, name }: Applicant, now: number): string | undefined {
  if (token === undefined) return 'this token is not known here'
  const time = (at: number) => new Date(at).toISOString()
  if (token.used_at !== null)
    return `this token was used by ${token.used_by} at ${time(token.used_at)}; each is good once`
  if (token.ends_at <= now) return `this token has ended at ${time(token.ends_at)}`
  if (token.role !== role) return `this token is for a ${token.role}, and not for a ${role}`
  if (token.name !== null && token.name !== name) return `this token is for ${token.name}, and not for ${name}`
  return undefined
}

/** What was given out before a revocation may be in wrong hands, too. */
function revocationProblem(
  { made_at }: TokenRow,
  hostId: string,
  revokedAt: number | undefined,
  now: number,
): string | undefined {
  if (revokedAt === undefined) return undefined
  const revoked = `host ${hostId} was revoked at ${new Date(revokedAt).toISOString()}`
  if (revokedAt > now) return `${revoked}, and the director's clock says ${new Date(now).toISOString()}: set it right`
  if (made_at <= revokedAt) return `${revoked}, and this token was made before: make a new one`
  return undefined
}

function holderProblem(notAfter: number | undefined, { role, name }: Applicant, now: number): string | undefined {
  if (notAfter === undefined || notAfter <= now) return undefined
  const what = role === 'host' ? 'host id' : 'director id'
  return `${what} ${name} is taken: its certificate is valid until ${new Date(notAfter).toISOString()}`
}
