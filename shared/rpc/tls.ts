import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { checkServerIdentity, createSecureContext, type SecureContextOptions } from 'node:tls'
import * as grpc from '@grpc/grpc-js'
import { CrossportError } from '../errors.ts'
import { directorProblem, type FleetName, identityOf } from '../pki/names.ts'

/**
 * PEM files. Both sides show a certificate that `ca` has signed (mutual TLS). Certificate and key may be in one file, which
 * can be replaced at once.
 */
export interface TlsFiles {
  readonly ca: string
  readonly cert: string
  readonly key: string
}

/** A peer that does not end its handshake, ms. */
const HANDSHAKE_MS = 10_000

/** Credentials of a server whose files may be read anew: peers that come later are shown the new certificate. */
export interface ServerCredentials {
  readonly credentials: grpc.ServerCredentials
  /** Throws RPC_TLS naming the file; what was read before stays. */
  reload(): void
}

/**
 * Credentials of a server; without files the connection is in the clear. Throws RPC_TLS naming the file.
 *
 * @param anybody - peers need no certificate
 */
export function serverCredentials(tls?: TlsFiles, { anybody = false } = {}): ServerCredentials {
  if (tls === undefined) return { credentials: grpc.ServerCredentials.createInsecure(), reload: () => {} }
  const context = () => (anybody ? withAuthority(tls) : secureContext(tls))
  const credentials = new TlsServerCredentials(context(), anybody)
  return { credentials, reload: () => credentials.replace(context()) }
}

/** Shows the CA's certificate, too: who knows only its fingerprint can tell that the server's is one of it. */
function withAuthority(tls: TlsFiles): SecureContextOptions {
  return { ...secureContext(tls), cert: Buffer.concat([read(tls.cert), Buffer.from('\n'), read(tls.ca)]) }
}

class TlsServerCredentials extends grpc.ServerCredentials {
  constructor(context: SecureContextOptions, anybody: boolean) {
    const asked = { requestCert: !anybody, rejectUnauthorized: !anybody }
    super({ ...asked, handshakeTimeout: HANDSHAKE_MS, minVersion: TLS }, context)
  }

  replace(context: SecureContextOptions): void {
    // Throws for what the server would only log.
    createSecureContext(context)
    this.updateSecureContextOptions(context)
  }

  _equals(other: grpc.ServerCredentials): boolean {
    return this === other
  }
}

/** What a client needs to dial one director. */
export interface Dialling {
  readonly credentials: grpc.ChannelCredentials
  readonly options: grpc.ChannelOptions
}

/**
 * For a client of the director at `address` (`host:port` or `unix:/path`); without files the connection is in the clear.
 * Throws RPC_TLS naming the file.
 */
export function dialling(address: string, tls?: TlsFiles): Dialling {
  if (tls === undefined) return { credentials: grpc.credentials.createInsecure(), options: {} }
  const own = roleIn(tls.cert)
  return diallingDirector(address, secureContext(tls), own, own === undefined)
}

/** The same for one who has no certificate yet, and knows the CA's (PEM): it is a fleet's own CA, which gives roles itself. */
export const diallingToJoin = (address: string, ca: string): Dialling =>
  diallingDirector(address, { ca, minVersion: TLS }, undefined, false)

/**
 * The other end must be a director: by its role, or by the address that is dialled (names.ts).
 *
 * @param own - the dialler's own role
 * @param byAddress - a role alone does not count: in an existing PKI others may get certificates with any
 */
function diallingDirector(
  address: string,
  context: SecureContextOptions,
  own: FleetName | undefined,
  byAddress: boolean,
): Dialling {
  const host = address.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
  const credentials = grpc.ChannelCredentials.createFromSecureContext(createSecureContext(context), {
    checkServerIdentity: (_name, certificate) => {
      const peer = identityOf(certificate)
      const problem = directorProblem(own, peer)
      if (problem !== undefined) return new Error(`who answers at ${address} is no director of this host: ${problem}`)
      return byAddress || peer.role === undefined ? checkServerIdentity(host, certificate) : undefined
    },
  })
  const named = isIP(host) === 0 && !address.startsWith('unix:')
  return { credentials, options: { 'grpc.ssl_target_name_override': named ? host : NO_NAME } }
}

/** An address or a path is no server name (RFC 6066, 3), and without any gRPC sends the address. */
const NO_NAME = 'director'

const TLS = 'TLSv1.3'

const secureContext = ({ ca, cert, key }: TlsFiles) =>
  ({ ca: read(ca), cert: read(cert), key: read(key), minVersion: TLS }) as const

/** The role that a certificate's file states. Throws RPC_TLS. */
function roleIn(file: string): FleetName | undefined {
  const { subjectAltName } = parse(file)
  return identityOf({ subjectaltname: subjectAltName }).role
}

/** The first certificate of a PEM file. Throws RPC_TLS naming the file. */
export function parse(file: string): X509Certificate {
  const pem = read(file)
  try {
    return new X509Certificate(pem)
  } catch (cause) {
    throw new CrossportError('RPC_TLS', `${file} holds no certificate`, { fields: { file }, cause })
  }
}

/** Throws RPC_TLS naming the file. */
export function read(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (cause) {
    throw new CrossportError('RPC_TLS', `cannot read ${file}`, { fields: { file }, cause })
  }
}
