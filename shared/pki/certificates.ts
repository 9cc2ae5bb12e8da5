import { createPublicKey, KeyObject, randomBytes } from 'node:crypto'
import { type FleetName, type Role, uriOf } from './names.ts'
import * as x509 from './x509.ts'

/** ECDSA with P-256 and SHA-256 (RFC 5480, RFC 5758): every TLS library takes it, and its certificates are small. */
const KEY = { name: 'ECDSA', namedCurve: 'P-256' } as const
const SIGNATURE = { name: 'ECDSA', hash: 'SHA-256' } as const

/** A host only dials; a director also listens, and dials the one that renews its certificate. */
const USAGE: Readonly<Record<Role, x509.ExtendedKeyUsage[]>> = {
  host: [x509.ExtendedKeyUsage.clientAuth],
  director: [x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth],
}

export interface Keys {
  readonly publicKey: CryptoKey
  readonly privateKey: CryptoKey
}

/** When a certificate is valid. */
export interface Validity {
  readonly notBefore: Date
  readonly notAfter: Date
}

/** A certificate authority that can sign. */
export interface Authority {
  readonly certificate: x509.X509Certificate
  readonly key: CryptoKey
  readonly fleet: string
}

export const newKeys = (): Promise<Keys> => crypto.subtle.generateKey(KEY, true, ['sign', 'verify'])

/** PKCS #8 in PEM (RFC 5208, RFC 7468). */
export const keyPem = (key: CryptoKey): string => String(KeyObject.from(key).export({ type: 'pkcs8', format: 'pem' }))

/** @throws when the text is not such a key */
function readKey(pem: string): Promise<CryptoKey> {
  const der = x509.PemConverter.decodeFirst(pem)
  return crypto.subtle.importKey('pkcs8', der, KEY, false, ['sign'])
}

/** A fleet's CA: its own certificate in PEM (RFC 5280, 4.2.1.9: a CA that makes no further CAs). */
export async function makeAuthority(fleet: string, keys: Keys, validity: Validity): Promise<string> {
  const usage = x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    ...validity,
    serialNumber: newSerial(),
    name: [{ CN: [`crossport fleet ${fleet}`] }],
    keys,
    signingAlgorithm: SIGNATURE,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(usage, true),
      new x509.SubjectAlternativeNameExtension([{ type: 'url', value: `spiffe://${fleet}` }]),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return `${certificate.toString('pem')}\n`
}

/**
 * The CA of these files, which `makeAuthority` has made.
 *
 * @throws when they are not of one another, or of another PKI
 */
export async function openAuthority(certificatePem: string, keyPem: string): Promise<Authority> {
  const certificate = new x509.X509Certificate(certificatePem)
  const names = certificate.getExtension(x509.SubjectAlternativeNameExtension)?.names.items ?? []
  const [, fleet] = /^spiffe:\/\/([a-z0-9._-]+)$/.exec(names.find(({ type }) => type === 'url')?.value ?? '') ?? []
  if (fleet === undefined) throw new Error('it names no fleet')
  const own = createPublicKey(keyPem).export({ type: 'spki', format: 'der' })
  if (!own.equals(Buffer.from(certificate.publicKey.rawData))) throw new Error('its key is that of another')
  return { certificate, key: await readKey(keyPem), fleet }
}

/** A certificate in PEM that states this role, and nothing else. */
export async function issue(
  { certificate: ca, key: signingKey }: Authority,
  name: FleetName,
  publicKey: x509.PublicKey | CryptoKey,
  validity: Validity,
): Promise<string> {
  const certificate = await x509.X509CertificateGenerator.create({
    ...validity,
    serialNumber: newSerial(),
    issuer: ca.subject,
    // For those who read certificates; RFC 5280 has an upper bound of 64 characters (ub-common-name).
    subject: [{ CN: [name.name.slice(0, 64)] }],
    publicKey,
    signingKey,
    signingAlgorithm: SIGNATURE,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(USAGE[name.role]),
      new x509.SubjectAlternativeNameExtension([{ type: 'url', value: uriOf(name) }]),
      await x509.AuthorityKeyIdentifierExtension.create(ca),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
    ],
  })
  return `${certificate.toString('pem')}\n`
}

/** A certificate signing request in PEM (RFC 2986). It shows who has the key; who gets the certificate is said elsewhere. */
export async function makeRequest(keys: Keys): Promise<string> {
  const request = await x509.Pkcs10CertificateRequestGenerator.create({ keys, signingAlgorithm: SIGNATURE })
  return request.toString('pem')
}

/**
 * The key that a certificate is asked for.
 *
 * @throws when it is no request, or the one who asks does not have the private key
 */
export async function requestedKey(pem: string): Promise<x509.PublicKey> {
  const request = new x509.Pkcs10CertificateRequest(pem)
  const { name, namedCurve } = request.publicKey.algorithm as { name?: string; namedCurve?: string }
  if (name !== KEY.name || namedCurve !== KEY.namedCurve) throw new Error('the key is not one of P-256')
  if (!(await request.verify())) throw new Error('the request is not signed with its key')
  return request.publicKey
}

/** Positive, and of less than 20 bytes (RFC 5280, 4.1.2.2). */
const newSerial = () => `01${randomBytes(15).toString('hex')}`
