import { X509Certificate } from 'node:crypto'
import { CrossportError } from '../../shared/errors.ts'
import { isName, type Role } from '../../shared/pki/names.ts'
import type { Applicant, Book, Issued } from '../pki/book.ts'
import { directorValidity, hostValidity, type Issuer, openIssuer } from '../pki/issuer.ts'

/** Issues certificates, and writes them down in the book. */
export interface Desk {
  /** For one who has a token. Throws JOIN_REFUSED. */
  join(secret: string, role: Role, name: string, request: string): Promise<string>
  /**
   * For one who has a certificate by that name.
   *
   * @param shown - that certificate; undefined: the director renews its own
   * @param check - throws when that is of no use any more; called last, because it may have been revoked meanwhile
   * @throws JOIN_REFUSED (it is too early), KEY_TWICE
   */
  renew(applicant: Applicant, request: string, shown: Issued | undefined, check: () => void): Promise<string>
}

export interface DeskOptions {
  /** Directory with the CA's files. */
  readonly pki: string
  readonly book: Book
  /** Of the certificates, ms. */
  readonly lifetimeMs: number
}

/** @param book - asked before anything is calculated: strangers cost no more than a look into it */
export function createDesk({ pki, book, lifetimeMs }: DeskOptions): Desk {
  let opened: Promise<Issuer> | undefined
  const issuer = () => {
    opened ??= openIssuer(pki)
    opened.catch(() => (opened = undefined))
    return opened
  }
  const issue = async (role: Role, name: string, request: string) => {
    const validity =
      role === 'host' ? await hostValidity(book.revokedAt(name), lifetimeMs) : directorValidity(lifetimeMs)
    return (await issuer()).issue(role, name, request, validity)
  }
  return {
    join: async (secret, role, name, request) => {
      refuse(isName(name) ? undefined : `'${name}' cannot be in a certificate: letters, digits, '.', '-' and '_' can`)
      const applicant = { role, name }
      refuse(book.refusal(secret, applicant, Date.now()))
      const certificate = await issue(role, name, request)
      // Another may have come with the same token meanwhile: only one of them gets what was made.
      refuse(book.redeem(secret, applicant, Date.now(), issuedAs(certificate)))
      return certificate
    },
    renew: async (applicant, request, shown, check) => {
      if (shown !== undefined) {
        if (!book.isCurrent(applicant, shown.serial)) throw keyTwice(applicant)
        book.shown(applicant, shown.serial)
        refuse(tooEarly(shown, Date.now()))
      }
      const certificate = await issue(applicant.role, applicant.name, request)
      check()
      if (!book.renewed(applicant, shown?.serial, issuedAs(certificate))) throw keyTwice(applicant)
      return certificate
    },
  }
}

function refuse(reason: string | undefined): void {
  if (reason !== undefined) throw new CrossportError('JOIN_REFUSED', reason)
}

/** Holders renew from half of a certificate's life on; their clocks may be fast. */
const EARLIEST = 0.4

function tooEarly({ notBefore, notAfter }: Issued, now: number): string | undefined {
  const from = notBefore + (notAfter - notBefore) * EARLIEST
  return now < from ? `this certificate is not renewed before ${new Date(from).toISOString()}` : undefined
}

function keyTwice({ role, name }: Applicant): CrossportError {
  const message = `the key of ${role} ${name} is in use twice: a certificate was shown that has been renewed by another`
  return new CrossportError('KEY_TWICE', message, { fields: { host: name } })
}

function issuedAs(certificate: string): Issued {
  const { serialNumber, validFromDate, validToDate } = new X509Certificate(certificate)
  return { serial: serialNumber, notBefore: validFromDate.getTime(), notAfter: validToDate.getTime() }
}
