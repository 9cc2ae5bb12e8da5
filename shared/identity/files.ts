import { closeSync, existsSync, mkdirSync, openSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { CrossportError, messageOf } from '../errors.ts'
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

/**
 * Whether files can be written, where they are or are to be: a draft is written there and removed. Throws JOIN_UNWRITABLE.
 *
 * @param files - their directories need not be there
 */
export function checkWritable(...files: readonly string[]): void {
  for (const file of files) {
    const draft = join(existingDirectory(dirname(file)), `${basename(file)}.new`)
    try {
      rmSync(draft, { force: true })
      const fd = openSync(draft, 'wx', 0o600)
      try {
        writeFileSync(fd, ' '.repeat(DRAFT_BYTES), { flush: true })
      } finally {
        closeSync(fd)
        rmSync(draft)
      }
    } catch (cause) {
      throw new CrossportError('JOIN_UNWRITABLE', `cannot write ${file}: ${messageOf(cause)}. Nothing was sent`, {
        cause,
      })
    }
  }
}

/** More than any of them has. */
const DRAFT_BYTES = 16 << 10

const existingDirectory = (dir: string): string => (existsSync(dir) ? dir : existingDirectory(dirname(dir)))

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
