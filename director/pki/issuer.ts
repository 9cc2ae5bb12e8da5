import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { CrossportError, messageOf } from '../../shared/errors.ts'
import { isThere } from '../../shared/identity/files.ts'
import type { Validity } from '../../shared/pki/certificates.ts'
import type { Role } from '../../shared/pki/names.ts'

/** Signs certificates with the fleet's CA key. */
export interface Issuer {
  readonly fleet: string
  /** A certificate (PEM) for the key of a request (PEM), valid from now on. Throws JOIN_REFUSED when it is no request. */
  issue(role: Role, name: string, request: string, validity: Validity): Promise<string>
}

/** The CA's files. The key never leaves this machine. */
export const authorityFiles = (dir: string) => ({ certificate: join(dir, 'ca.crt'), key: join(dir, 'ca.key') })

/** Whether this machine has the CA's key. */
export const canIssue = (dir: string): boolean => isThere(authorityFiles(dir).key)

/** Throws PKI_MISSING (there is no CA's key), PKI_INCOMPLETE (its files are not those that `init` has made). */
export async function openIssuer(dir: string): Promise<Issuer> {
  const files = authorityFiles(dir)
  // Loaded when it is needed, for it is large, and most directors issue nothing for weeks.
  const { issue, openAuthority, requestedKey } = await import('../../shared/pki/certificates.ts')
  const open = async () => {
    try {
      return await openAuthority(readFileSync(files.certificate, 'utf8'), readFileSync(files.key, 'utf8'))
    } catch (cause) {
      const code = canIssue(dir) ? 'PKI_INCOMPLETE' : 'PKI_MISSING'
      throw new CrossportError(code, `${dir} has no CA to issue certificates with: ${messageOf(cause)}`, { cause })
    }
  }
  const authority = await open()
  const { fleet } = authority
  return {
    fleet,
    issue: async (role, name, request, validity) => {
      const key = await requestedKey(request).catch((cause: unknown) => {
        throw new CrossportError('JOIN_REFUSED', `the certificate request is not valid: ${messageOf(cause)}`, { cause })
      })
      return issue(authority, { fleet, role, name }, key, validity)
    },
  }
}

/** A host's clock may be slow by so much and still believe a director with a new certificate. */
const SLOW_CLOCK_MS = 3_600_000

/** When a director's or the CA's certificate that is issued now is valid. */
export function directorValidity(lifetimeMs: number): Validity {
  const early = Math.min(SLOW_CLOCK_MS, lifetimeMs / 10)
  return { notBefore: new Date(Date.now() - early), notAfter: new Date(Date.now() + lifetimeMs) }
}

/** Another director's clock may be slow by so much and still take a host's new certificate. */
const SLOW_DIRECTOR_MS = 300_000
/** So long after a revocation here the same may have been said to other directors. */
const SAID_EVERYWHERE_MS = 3_600_000

/**
 * When a host's certificate that is issued now is valid, in whole seconds. It must begin later than the host's last revocation,
 * here and on the directors where that was said a little later: soon after one it begins now, or in the next second, which this
 * waits for.
 */
export async function hostValidity(revokedAt: number | undefined, lifetimeMs: number): Promise<Validity> {
  const second = (ms: number) => Math.floor(ms / 1000) * 1000
  // A timer may be a millisecond early.
  while (revokedAt !== undefined && second(revokedAt) === second(Date.now())) await delay(1000 - (Date.now() % 1000))
  const now = Date.now()
  const recent = revokedAt !== undefined && now - revokedAt < SAID_EVERYWHERE_MS
  const early = recent ? 0 : Math.min(SLOW_DIRECTOR_MS, lifetimeMs / 10)
  return { notBefore: new Date(second(now - early)), notAfter: new Date(second(now) + lifetimeMs) }
}
