import type { Stats } from 'node:fs'
import { closeSync, constants, fstatSync, openSync, readdirSync, readSync, realpathSync, statSync } from 'node:fs'
import { basename, join, sep } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { notText, type ParsedFile, parseInPieces } from './parse.ts'
import { finishInTurns } from './pieces.ts'
import type { FileContent } from './snapshot.ts'
import { decodeText } from './text.ts'
import { MAX_BYTES, tooLarge } from './yaml-limits.ts'

const RACY_MS = 100

/** Bytes that are read at a time; most service files are smaller. */
const CHUNK = 16 << 10

/** Files that are read before other work gets its turn: a few milliseconds. */
export const LOT = 32

/** The content of the whole directory. `gone`: the directory does not exist, which counts as empty. */
export interface DirectoryContent {
  readonly files: Map<string, FileContent>
  /** Final targets of symbolic links, which have to be watched on their own: target → name of the link. */
  readonly targets: ReadonlyMap<string, string>
  readonly gone: boolean
}

/** Service files are *.yaml and *.yml. Hidden files (Kubernetes' ..data, editors' .swp), backups and vim's 4913 are not. */
export const isServiceFile = (path: string): boolean => /^[^.].*\.ya?ml$/.test(basename(path))

/**
 * Reads every service file of a directory. A file whose identity (device, inode, size, mtime, ctime) has not changed is taken
 * from `known`. A file that cannot be read is in the result with the reason. Throws when the directory itself cannot be read.
 */
export async function readServiceDirectory(
  dir: string,
  known: ReadonlyMap<string, FileContent>,
  now: number = Date.now(),
): Promise<DirectoryContent> {
  const entries = listed(dir)
  const inside = join(dir, sep)
  const files = new Map<string, FileContent>()
  const targets = new Map<string, string>()
  let lot = 0
  for (const entry of entries ?? []) {
    const path = inside + entry.name
    const read = await readServiceFile(path, known.get(path), now, entry.isFile())
    if (read === undefined) continue
    files.set(path, read)
    if (entry.isSymbolicLink()) targets.set(targetOf(path), entry.name)
    if (++lot % LOT === 0) await setImmediate()
  }
  return { files, targets, gone: entries === undefined }
}

function listed(dir: string) {
  try {
    const entries = readdirSync(dir, { withFileTypes: true }).filter(({ name }) => isServiceFile(name))
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** The final target of a link; the path itself when the target does not exist. */
export function targetOf(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}

/**
 * Reads one file; undefined when it does not exist or is a directory. `now`: wall clock, ms. `regular`: it is known to be a
 * regular file.
 */
export async function readServiceFile(
  path: string,
  known?: FileContent,
  now: number = Date.now(),
  regular = false,
): Promise<FileContent | undefined> {
  let fd: number | undefined
  try {
    // Anything but a regular file must not even be opened.
    if (!regular || known?.identity) {
      const there = statSync(path)
      if (there.isDirectory()) return undefined
      if (!there.isFile()) return { unreadable: 'not a regular file' }
      if (known?.identity && known.identity === identityOf(there, now)) return known
    }
    // Opened without blocking, because the file may have become a FIFO since.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const stat = fstatSync(fd)
    if (!stat.isFile()) return { unreadable: 'not a regular file' }
    const identity = identityOf(stat, now)
    if (stat.size > MAX_BYTES) return { unreadable: tooLarge(), identity }
    const bytes = readMost(fd)
    // It may have grown since its size was asked for, or has never told it: files of proc(5) have none, and may be endless.
    if (bytes.length > MAX_BYTES) return { unreadable: tooLarge() }
    const decoded = decodeText(bytes)
    // A leading NUL marks bytes that are not text: no valid text begins with it.
    const text = 'text' in decoded ? decoded.text : `\0${bytes.toString('latin1')}`
    // For an unchanged text the services stay the same objects, so that nothing that depends on them is calculated anew.
    const same = known !== undefined && 'text' in known && known.text === text ? known : undefined
    if (same?.identity === identity) return same
    const parse = (): ParsedFile | Promise<ParsedFile> =>
      'finding' in decoded ? notText(path, decoded.finding) : finishInTurns(parseInPieces(text, path))
    return { file: path, text, parsed: same?.parsed ?? (await parse()), identity }
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    // Deleted after it was listed, or a link whose target is being replaced: the next event or the timer leads to another read.
    if (code === 'ENOENT') return undefined
    const reason = code === 'EACCES' ? 'may not be read (permission denied)' : `cannot be read: ${message}`
    return { unreadable: reason }
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}

/** What the file has, or somewhat more than MAX_BYTES of it. */
function readMost(fd: number): Buffer {
  const chunks: Buffer[] = []
  for (let size = 0; size <= MAX_BYTES; ) {
    const chunk = Buffer.allocUnsafe(CHUNK)
    const read = readSync(fd, chunk)
    if (read === 0) break
    chunks.push(chunk.subarray(0, read))
    size += read
  }
  return Buffer.concat(chunks)
}

/**
 * Empty for a file that was changed a moment ago, because it can change again within one tick of the file system's clock.
 * Floating-point milliseconds resolve a quarter of a microsecond, which is finer than any file system's clock.
 */
function identityOf({ dev, ino, size, mtimeMs, ctimeMs }: Stats, now: number): string {
  return now - mtimeMs < RACY_MS ? '' : `${dev} ${ino} ${size} ${mtimeMs} ${ctimeMs}`
}

/** Differs after every change of the file; empty when there is none. */
export function lastChange(path: string): string {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false })
  return stat === undefined ? '' : `${stat.ino} ${stat.mtimeNs} ${stat.ctimeNs}`
}

/**
 * True when the file was renamed into place as a whole, because its name is younger than its content. False may mean that
 * somebody is writing it.
 */
export function isPublished(path: string): boolean {
  try {
    const stat = statSync(path, { bigint: true })
    return stat.isFile() && stat.size > 0n && stat.ctimeNs > stat.mtimeNs
  } catch {
    return false
  }
}
