import { X509Certificate } from 'node:crypto'
import type { ServiceError } from '@grpc/grpc-js'
import { renewalClient } from '../rpc/client.ts'
import type { TlsFiles } from '../rpc/tls.ts'
import { namesIn, readOwn } from './own.ts'

const DEADLINE_MS = 10_000

/**
 * A new certificate (PEM) from the first director that issues one; the one in the files is shown for it.
 *
 * @param addresses - `host:port`, of the port that agents dial in at
 * @throws with what each of them has said
 */
export async function renewalFrom(addresses: readonly string[], files: TlsFiles, request: string): Promise<string> {
  const reasons: string[] = []
  for (const address of addresses) {
    try {
      const certificate = await ask(address, files, request)
      const [own, next] = [readOwn(files).identity, namesIn(new X509Certificate(certificate))]
      if (JSON.stringify(own) === JSON.stringify(next)) return certificate
      reasons.push(`${address}: it has issued a certificate for another name`)
    } catch (error) {
      reasons.push(`${address}: ${(error as Partial<ServiceError>).details ?? (error as Error).message}`)
    }
  }
  throw new Error(reasons.join('; '))
}

function ask(address: string, files: TlsFiles, request: string): Promise<string> {
  const client = renewalClient(address, files)
  return new Promise<string>((resolve, reject) => {
    client.Renew({ request }, { deadline: Date.now() + DEADLINE_MS }, (error, answer) => {
      if (error !== null) reject(error)
      else resolve(answer!.certificate)
    })
  }).finally(() => client.close())
}
