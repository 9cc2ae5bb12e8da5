import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { CrossportError } from '../../shared/errors.ts'
import { pkiFiles, writeWhole } from '../../shared/identity/files.ts'
import { keyPem, makeAuthority, makeRequest, newKeys } from '../../shared/pki/certificates.ts'
import { authorityFiles, directorValidity, openIssuer } from './issuer.ts'

/** Ten years. */
const AUTHORITY_MS = 10 * 365 * 86_400_000

/** One file: was it there already, or has it been made. */
export interface Made {
  readonly file: string
  readonly what: string
  readonly made: boolean
}

/**
 * Makes what a fleet's first director needs and does not have: the CA, and the director's own certificate.
 *
 * @param lifetimeMs - of the director's certificate
 * @throws PKI_INCOMPLETE - one of the CA's two files is there without the other
 */
export async function initPki(dir: string, directorId: string, lifetimeMs: number): Promise<readonly Made[]> {
  const authority = await initAuthority(dir)
  const { cert } = pkiFiles(dir, 'director')
  const what = `certificate and key of director ${directorId}`
  if (existsSync(cert)) return [...authority, { file: cert, what, made: false }]
  const issuer = await openIssuer(dir)
  const keys = await newKeys()
  const request = await makeRequest(keys)
  const certificate = await issuer.issue('director', directorId, request, directorValidity(lifetimeMs))
  writeWhole(cert, keyPem(keys.privateKey) + certificate, 0o600)
  return [...authority, { file: cert, what, made: true }]
}

async function initAuthority(dir: string): Promise<readonly Made[]> {
  const { certificate, key } = authorityFiles(dir)
  const [there, hasKey] = [existsSync(certificate), existsSync(key)]
  const both = (made: boolean): readonly Made[] => [
    { file: key, what: "the fleet CA's key, which stays on this machine", made },
    { file: certificate, what: "the fleet CA's certificate", made },
  ]
  if (there && hasKey) return both(false)
  if (there || hasKey) {
    const [here, missing] = there ? [certificate, key] : [key, certificate]
    throw new CrossportError('PKI_INCOMPLETE', `${here} is there, and ${missing} is not: nothing has been made`)
  }
  const keys = await newKeys()
  const text = await makeAuthority(newFleetId(), keys, directorValidity(AUTHORITY_MS))
  writeWhole(key, keyPem(keys.privateKey), 0o600)
  writeWhole(certificate, text, 0o644)
  return both(true)
}

/** A SPIFFE trust domain: no other fleet has the same. */
const newFleetId = () => `crossport-${randomBytes(8).toString('hex')}`
