import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { createDesk } from '../../../director/joining/issue.ts'
import { serveJoining } from '../../../director/joining/listener.ts'
import { openBook } from '../../../director/pki/book.ts'
import { initPki } from '../../../director/pki/init.ts'
import { openIssuer } from '../../../director/pki/issuer.ts'
import { pkiFiles, writeWhole } from '../../../shared/identity/files.ts'
import { keyPem, makeRequest, newKeys, type Validity } from '../../../shared/pki/certificates.ts'
import type { Role } from '../../../shared/pki/names.ts'
import type { TlsFiles } from '../../../shared/rpc/tls.ts'
import { systemClock } from '../../../shared/run/clock.ts'
import { tempDir } from '../cleanup.ts'
import { memoryLog } from '../run/memory-log.ts'

export const DAY = 86_400_000

/** A fleet with its director d1, and certificates for whoever is asked for. */
export async function fleet(t: ExecutionContext) {
  const dir = tempDir(t)
  const pki = join(dir, 'pki')
  await initPki(pki, 'd1', 90 * DAY)
  const issuer = await openIssuer(pki)
  const book = openBook(join(dir, 'authority.db'))
  t.teardown(() => book.close())
  const director = pkiFiles(pki, 'director')

  const certificate = async (role: Role, name: string, validity: Partial<Validity> = {}): Promise<TlsFiles> => {
    const keys = await newKeys()
    const whole = { notBefore: new Date(Date.now() - 1000), notAfter: new Date(Date.now() + DAY), ...validity }
    const text = await issuer.issue(role, name, await makeRequest(keys), whole)
    const pair = join(dir, `${role}-${name}.pem`)
    writeWhole(pair, keyPem(keys.privateKey) + text, 0o600)
    return { ca: director.ca, cert: pair, key: pair }
  }

  /** Its listener for joining, and what it has said of it. */
  const joining = async (lifetimeMs = DAY, listen = '127.0.0.1:0') => {
    const log = memoryLog()
    const desk = createDesk({ pki, book, lifetimeMs })
    const options = { listen, tls: director, desk, agentsPort: 7473, log, clock: systemClock }
    const listener = await serveJoining(options)
    t.teardown(() => listener.close())
    return { log, address: listener.address, port: Number(listener.address.split(':').at(-1)) }
  }
  return { dir, pki, book, issuer, director, certificate, joining, fleetId: issuer.fleet }
}
