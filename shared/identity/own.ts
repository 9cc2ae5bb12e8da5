import { createPrivateKey, type X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import { CrossportError, messageOf } from '../errors.ts'
import type { Validity } from '../pki/certificates.ts'
import { type Identity, identityOf } from '../pki/names.ts'
import { parse, read, type TlsFiles } from '../rpc/tls.ts'

/** What a daemon's own certificate says. */
export interface OwnCertificate extends Validity {
  readonly identity: Identity
  /** Of the CA's own. */
  readonly authority: Validity
}

/** Throws RPC_TLS naming the file: it cannot be read, or the files do not belong together. */
export function readOwn({ ca, cert, key }: TlsFiles): OwnCertificate {
  const certificate = parse(cert)
  const authority = parse(ca)
  if (!holds(certificate, key)) throw new CrossportError('RPC_TLS', `${key} is not the key of ${cert}`)
  // What else is in the files, such as further certificates, must be usable, too.
  usable(ca, () => createSecureContext({ ca: read(ca) }))
  usable(cert, () => createSecureContext({ cert: read(cert), key: read(key) }))
  return { ...validityOf(certificate), identity: namesIn(certificate), authority: validityOf(authority) }
}

/** Whom a certificate names. */
export function namesIn({ subjectAltName, subject }: X509Certificate): Identity {
  const common = /^CN=(.*)$/m.exec(subject)?.[1]
  return identityOf({ subjectaltname: subjectAltName, subject: { CN: common } })
}

function holds(certificate: X509Certificate, file: string): boolean {
  try {
    return certificate.checkPrivateKey(createPrivateKey(read(file)))
  } catch (cause) {
    if (cause instanceof CrossportError) throw cause
    throw new CrossportError('RPC_TLS', `${file} holds no key: ${messageOf(cause)}`, { fields: { file }, cause })
  }
}

function usable(file: string, use: () => unknown): void {
  try {
    use()
  } catch (cause) {
    if (cause instanceof CrossportError) throw cause
    throw new CrossportError('RPC_TLS', `${file} is damaged: ${messageOf(cause)}`, { fields: { file }, cause })
  }
}

const validityOf = ({ validFromDate, validToDate }: X509Certificate): Validity => {
  return { notBefore: validFromDate, notAfter: validToDate }
}
