import { open, readdir, realpath } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { parseServiceFile } from './parse.ts'
import type { FileContent } from './snapshot.ts'
import { MAX_BYTES } from './yaml.ts'

/** A file as it was last read; its identity tells whether it has to be read again. */
export interface CachedFile {
  readonly identity: string
  readonly content: FileContent
}

const RACY_MS = 100

/** The whole directory, read. `gone`: it is not there, which is the same as empty. */
export interface DirectoryContent {
  readonly files: ReadonlyMap<string, CachedFile>
  /** Symbolic links' final targets outside the directory, which have to be watched on their own. */
  readonly targets: readonly string[]
  readonly gone: boolean
}

/** Ours are *.yaml and *.yml; hidden files (Kubernetes' ..data, editors' .swp), backups and vim's 4913 are not. */
export const isServiceFile = (path: string): boolean => /^[^.].*\.ya?ml$/.test(basename(path))

/**
 * Reads every service file of a directory; an unchanged one (device, inode, size, mtime, ctime) is taken from `cache`.
 * A file that cannot be read is in the result with the reason. Throws when the directory itself cannot be read.
 */
export async function readServiceDirectory(
  dir: string,
  cache: ReadonlyMap<string, CachedFile>,
  now: number = Date.now(),
): Promise<DirectoryContent> {
  const names = await readdir(dir).catch((err: NodeJS.ErrnoException) => {
    if (err.code === 'ENOENT') return undefined
    throw err
  })
  const files = new Map<string, CachedFile>()
  const targets = new Set<string>()
  for (const name of (names ?? []).filter(isServiceFile).sort()) {
    const path = join(dir, name)
    const read = await readServiceFile(path, cache.get(path), now)
    if (read === undefined) continue
    files.set(path, read)
    const target = await realpath(path).catch(() => path)
    if (target !== path) targets.add(target)
  }
  return { files, targets: [...targets], gone: names === undefined }
}

/** One file; undefined when it is not there, or is a directory. `now`: wall clock, ms. */
export async function readServiceFile(
  path: string,
  cached?: CachedFile,
  now: number = Date.now(),
): Promise<CachedFile | undefined> {
  try {
    await using handle = await open(path, 'r')
    const stat = await handle.stat({ bigint: true })
    if (stat.isDirectory()) return undefined
    if (!stat.isFile()) return { identity: '', content: { unreadable: 'not a regular file' } }
    // A file changed a moment ago can change again within one tick of the file system's clock: not worth remembering.
    const fresh = now - Number(stat.mtimeNs / 1_000_000n) < RACY_MS
    const identity = fresh ? '' : [stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join(' ')
    if (identity !== '' && cached?.identity === identity) return cached
    if (stat.size > MAX_BYTES) return { identity, content: { unreadable: `larger than ${MAX_BYTES} bytes` } }
    const text = await handle.readFile('utf8')
    return { identity, content: { text, parsed: parseServiceFile(text, path) } }
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    // Deleted between listing and opening, or a link whose target is being swapped: the next event or the timer tells.
    if (code === 'ENOENT') return undefined
    const reason = code === 'EACCES' ? 'may not be read (permission denied)' : `cannot be read: ${message}`
    return { identity: '', content: { unreadable: reason } }
  }
}
