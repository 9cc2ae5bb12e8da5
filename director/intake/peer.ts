import type { PeerCertificate } from 'node:tls'
import { CrossportError } from '../../shared/errors.ts'
import { identityOf } from '../../shared/pki/names.ts'
import type { Peer } from './types.ts'

/** What gRPC tells of the other end of a call. */
export interface CallEnd {
  getPeer(): string
  /** The certificate is there only when it has been verified. */
  getAuthContext(): { readonly sslPeerCertificate?: PeerCertificate }
}

/**
 * Who is at the other end of a call.
 *
 * @throws IDENTITY_REFUSED - its certificate names nobody
 */
export function peerOf(call: CallEnd): Peer {
  const address = call.getPeer().replace(/:\d+$/, '')
  const certificate = call.getAuthContext().sslPeerCertificate
  if (certificate === undefined) return { name: undefined, address }
  const [name] = identityOf(certificate).names
  if (name !== undefined) return { name, address }
  throw new CrossportError('IDENTITY_REFUSED', `the certificate of the agent at ${address} names no host`)
}

/**
 * A host registers itself, and no other.
 *
 * @throws IDENTITY_REFUSED
 */
export function checkItself({ name, address }: Peer, hostId: string): void {
  if (name === undefined || name === hostId) return
  const message = `the agent at ${address} has the certificate of "${name}", and registers host "${hostId.slice(0, 253)}"`
  throw new CrossportError('IDENTITY_REFUSED', message, { fields: { host: name } })
}
