import { mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Role } from '../pki/names.ts'
import type { TlsFiles } from '../rpc/tls.ts'

/** Where a fleet's files are on each of its machines. */
export const PKI_DIR = '/etc/crossport/pki'

const PAIR: Readonly<Record<Role, string>> = { host: 'agent.pem', director: 'director.pem' }

/** The files that `init` and `join` write; certificate and key in one, so that both are replaced at once. */
export function pkiFiles(dir: string, role: Role): TlsFiles {
  const pair = join(dir, PAIR[role])
  return { ca: join(dir, 'ca.crt'), cert: pair, key: pair }
}

/** The same, where they are there. */
export function installedFiles(dir: string, role: Role): TlsFiles | undefined {
  const files = pkiFiles(dir, role)
  return isThere(files.cert) && isThere(files.ca) ? files : undefined
}

/**
 * The daemons read these files by a capability, which access(2) takes no notice of, and so neither does existsSync: it looks
 * with the rights of the user.
 */
export const isThere = (file: string): boolean => statSync(file, { throwIfNoEntry: false }) !== undefined

/** Writes a file at once or not at all. A missing directory is made, for root alone. */
export function writeWhole(file: string, text: string, mode: number): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const draft = `${file}.new`
  try {
    rmSync(draft, { force: true })
    writeFileSync(draft, text, { mode, flag: 'wx', flush: true })
    renameSync(draft, file)
  } catch (error) {
    rmSync(draft, { force: true })
    throw error
  }
}
