import { join } from 'node:path'
import { initPki } from '../../director/pki/init.ts'
import { openIssuer } from '../../director/pki/issuer.ts'
import { pkiFiles, writeWhole } from '../../shared/identity/files.ts'
import { keyPem, makeRequest, newKeys } from '../../shared/pki/certificates.ts'
import type { TlsFiles } from '../../shared/rpc/tls.ts'

const DAY = 86_400_000

/** A fleet's CA in `dir`, with certificates of a director and of these hosts. */
export async function makeCertificates(dir: string, hostIds: readonly string[]) {
  await initPki(dir, 'director', DAY)
  const issuer = await openIssuer(dir)
  const director = pkiFiles(dir, 'director')
  const validity = { notBefore: new Date(Date.now() - 1000), notAfter: new Date(Date.now() + DAY) }
  const files = new Map<string, TlsFiles>()
  for (const hostId of hostIds) {
    const keys = await newKeys()
    const certificate = await issuer.issue('host', hostId, await makeRequest(keys), validity)
    const pair = join(dir, `${hostId}.pem`)
    writeWhole(pair, keyPem(keys.privateKey) + certificate, 0o600)
    files.set(hostId, { ca: director.ca, cert: pair, key: pair })
  }
  return { director, tlsOf: (hostId: string) => files.get(hostId) }
}
