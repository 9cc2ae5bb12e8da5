import { CrossportError } from '../../shared/errors.ts'
import { type CertificateNames, type FleetName, identityOf } from '../../shared/pki/names.ts'

/** What `node:tls` tells of a peer's certificate. */
export interface PeerCertificate extends CertificateNames {
  /** As OpenSSL prints a time: `Nov 28 16:26:25 2026 GMT`. */
  readonly valid_from: string
  readonly serialNumber?: string | undefined
}

/** What decides who a peer is. */
export interface Register {
  /** Who dials in has to show a certificate; false: connections are in the clear. */
  readonly tls: boolean
  /** The director's own role; undefined: its certificate is one of an existing PKI, which knows no roles. */
  readonly own: FleetName | undefined
  /** When a host was revoked, in ms since 1970; undefined: it was not. */
  revokedAt(hostId: string): number | undefined
}

/** Who dials in: one that may register as any of these host ids. */
export interface Caller {
  /** Undefined: the connection is in the clear. */
  readonly names: readonly string[] | undefined
  /** Of its certificate, in hexadecimal. */
  readonly serial?: string | undefined
  /** Where it dials from, without the port. */
  readonly address: string
}

/**
 * Who has dialled in, by the certificate that it has shown and that the CA has signed.
 *
 * @throws IDENTITY_REFUSED - there is none where there has to be one, it is no host's, or that of a host that was revoked
 */
export function whoIs(certificate: PeerCertificate | undefined, address: string, register: Register): Caller {
  if (certificate === undefined && !register.tls) return { names: undefined, address }
  const { names, role } = identityOf(certificate ?? {})
  const refuse = (what: string) => {
    const fields = { host: names[0] ?? address }
    return new CrossportError('IDENTITY_REFUSED', `the agent at ${address} has ${what}`, { fields })
  }
  if (certificate === undefined) throw refuse('no certificate')
  if (role !== undefined && role.role !== 'host')
    throw refuse(`the certificate of ${role.role} ${role.name}, and not a host's`)
  if (register.own !== undefined && role?.fleet !== register.own.fleet)
    throw refuse(`no certificate of fleet ${register.own.fleet}`)
  if (names.length === 0) throw refuse('a certificate that names no host')
  const issued = Date.parse(certificate.valid_from)
  // A CA of others may date its certificates back, so that a new one looks like one of before.
  const later = (from: number) => {
    if (register.own !== undefined || Number.isNaN(from)) return ''
    return `: it is valid from ${new Date(from).toISOString()} (notBefore), and would have to be from later on`
  }
  for (const name of names) {
    const revoked = register.revokedAt(name)
    // A certificate's times are in whole seconds.
    if (revoked !== undefined && !(issued > Math.floor(revoked / 1000) * 1000))
      throw refuse(
        `a certificate of host "${name}" that was revoked at ${new Date(revoked).toISOString()}${later(issued)}`,
      )
  }
  return { names, serial: certificate.serialNumber, address }
}

/**
 * The name under which a caller registers: a host registers itself, and no other.
 *
 * @returns the host id, as its certificate has it; undefined: the connection is in the clear
 * @throws HOST_NAME_MISMATCH
 */
export function nameOf({ names, address }: Caller, hostId: string): string | undefined {
  if (names === undefined || names.includes(hostId)) return names && hostId
  const mend = `set hostId: ${names[0]} there, or give that host a certificate of its own`
  const message = `the agent at ${address} registers as host "${hostId}" with the certificate of "${names.join('", "')}": ${mend}`
  throw new CrossportError('HOST_NAME_MISMATCH', message, { fields: { host: hostId } })
}
