import { readFileSync } from 'node:fs'
import * as grpc from '@grpc/grpc-js'
import { CrossportError } from '../errors.ts'

/** PEM files. Both sides show a certificate that `ca` has signed (mutual TLS). */
export interface TlsFiles {
  readonly ca: string
  readonly cert: string
  readonly key: string
}

/** Credentials of a server; without files the connection is in the clear. Throws RPC_TLS naming the file. */
export function serverCredentials(tls?: TlsFiles): grpc.ServerCredentials {
  if (tls === undefined) return grpc.ServerCredentials.createInsecure()
  const pair = { private_key: read(tls.key), cert_chain: read(tls.cert) }
  return grpc.ServerCredentials.createSsl(read(tls.ca), [pair], true)
}

/** Credentials of a client; without files the connection is in the clear. Throws RPC_TLS naming the file. */
export function clientCredentials(tls?: TlsFiles): grpc.ChannelCredentials {
  if (tls === undefined) return grpc.credentials.createInsecure()
  return grpc.credentials.createSsl(read(tls.ca), read(tls.key), read(tls.cert))
}

function read(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (cause) {
    throw new CrossportError('RPC_TLS', `cannot read ${file}`, { fields: { file }, cause })
  }
}
