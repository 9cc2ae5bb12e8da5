import type { Role } from '../../shared/pki/names.ts'

export interface Applicant {
  readonly role: Role
  readonly name: string
}

/** A token as the book has it; times in milliseconds since 1970. */
export interface TokenRow {
  readonly role: string
  readonly name: string | null
  readonly ends_at: number
  readonly used_at: number | null
  readonly used_by: string | null
  readonly made_at: number
}

/* Why a token does not let an applicant in; undefined: it does. */

export function tokenProblem(token: TokenRow | undefined, { role, name }: Applicant, now: number): string | undefined {
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
export function revocationProblem(
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

export function holderProblem(
  notAfter: number | undefined,
  { role, name }: Applicant,
  now: number,
): string | undefined {
  if (notAfter === undefined || notAfter <= now) return undefined
  const what = role === 'host' ? 'host id' : 'director id'
  return `${what} ${name} is taken: its certificate is valid until ${new Date(notAfter).toISOString()}`
}
