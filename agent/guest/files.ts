import { CrossportError } from '../../shared/errors.ts'
import type { Commands } from './commands.ts'
import { isAgentError, withSelinux } from './ip.ts'
import type { Exec, Qga } from './qga.ts'
import { anyReply, handleReply, readReply } from './replies.ts'

/** Small text files in the guest. All functions throw GUEST_COMMAND_FAILED when the guest refuses. */
export interface GuestFiles {
  /** Returns undefined when there is no such file. */
  read(path: string): Promise<string | undefined>
  /**
   * Writes the file as a whole. It has these attributes from its first byte on: guest-file-open would create it with mode 0666
   * (qga/commands-posix.c, safe_open_or_create), and root runs some of these files.
   */
  write(path: string, text: string, attributes: Permissions): Promise<void>
  /** Attributes of those of the paths that are there; none of them where the guest has no stat(1). Links are not followed. */
  attributes(paths: readonly string[]): Promise<ReadonlyMap<string, Attributes>>
  /** Removes the file, and what an interrupted attempt to write it has left. Succeeds also when there is no such file. */
  remove(path: string): Promise<void>
  /** Makes a folder of mode 0755; succeeds when it is there. */
  makeFolder(path: string): Promise<void>
  /** Removes the folder if it is empty. */
  removeFolder(path: string): Promise<void>
}

export interface Permissions {
  /** The last twelve bits of st_mode. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
}

export interface Attributes extends Permissions {
  /** other: a link, a pipe, a device. */
  readonly kind: 'file' | 'folder' | 'other'
}

const MAX_FILE = 32 * 1024

/**
 * $1: path, $2: path of the new file until it is complete, $3: mode, $4: owner. The new file is beside the old one, so that it takes
 * its place in one step, and its name starts with a dot, so that no network manager reads it. Nothing is written through a
 * link: the new file is made by this shell (set -C), takes the place of a link, and does not move into a folder.
 */
export const WRITE =
  'set -e; test ! -d "$1"; umask 077; rm -f "$2"; set -C; cat > "$2"; chown "$4" "$2"; chmod "$3" "$2"; mv -f "$2" "$1"'

/** Reads by guest-file-* where the guest agent allows them, and by guest-exec otherwise. */
export function guestFiles(qga: Qga, commands: Commands): GuestFiles {
  const direct = commands.has('guest-file-open', 'guest-file-read', 'guest-file-close')
  return {
    read: direct ? path => readByHandle(qga, path) : path => readByCommand(qga, path),
    write: (path, text, attributes) => write(qga, path, text, attributes),
    attributes: paths => attributesOf(qga, paths),
    remove: async path => need(path, await run(qga, path, 'rm', ['-f', path, unfinished(path)])),
    makeFolder: async path => need(path, await run(qga, path, 'mkdir', ['-p', '-m', '755', path])),
    removeFolder: async path => void (await run(qga, path, 'rmdir', [path])),
  }
}

async function readByHandle(qga: Qga, path: string): Promise<string | undefined> {
  try {
    const handle = await qga.call(handleReply, 'guest-file-open', { path, mode: 'r' })
    try {
      const reply = await qga.call(readReply, 'guest-file-read', { handle, count: MAX_FILE })
      const bytes = Buffer.from(reply['buf-b64'], 'base64')
      if (bytes.length >= MAX_FILE) throw new CrossportError('GUEST_COMMAND_FAILED', `${path} is too large`)
      return bytes.toString('utf8')
    } finally {
      // A handle that stays open costs the guest little.
      await qga.call(anyReply, 'guest-file-close', { handle }).catch(() => {})
    }
  } catch (error) {
    if (isAgentError(error) && /no such file/i.test(error.message)) return undefined
    throw refused(path, error)
  }
}

async function readByCommand(qga: Qga, path: string): Promise<string | undefined> {
  const { exitCode, stdout, stderr } = await run(qga, path, 'cat', [path])
  if (exitCode === 0) return stdout
  if (/no such file/i.test(stderr)) return undefined
  throw refused(path, stderr.trim())
}

async function write(qga: Qga, path: string, text: string, { mode, uid, gid }: Permissions): Promise<void> {
  const args = ['-c', WRITE, 'sh', path, unfinished(path), mode.toString(8), `${uid}:${gid}`]
  need(path, await run(qga, path, 'sh', args, text))
}

/** Path of a file while it is written. */
function unfinished(path: string): string {
  const slash = path.lastIndexOf('/') + 1
  return `${path.slice(0, slash)}.${path.slice(slash)}.new`
}

async function attributesOf(qga: Qga, paths: readonly string[]): Promise<ReadonlyMap<string, Attributes>> {
  const { stdout } = await run(qga, paths.join(' '), 'stat', ['-c', '%f %u %g %n', ...paths]).catch(error => {
    if (error instanceof CrossportError && error.code === 'GUEST_COMMAND_FAILED') return { stdout: '' }
    throw error
  })
  return new Map(
    [...stdout.matchAll(/^([0-9a-f]{1,6}) (\d{1,10}) (\d{1,10}) (.*)$/gm)].map(([, mode, uid, gid, path]) => [
      path ?? '',
      { ...modeOf(Number.parseInt(mode ?? '', 16)), uid: Number(uid), gid: Number(gid) },
    ]),
  )
}

/** The parts of st_mode (inode(7)). */
function modeOf(mode: number): Pick<Attributes, 'kind' | 'mode'> {
  const type = mode & 0o170000
  return { kind: type === 0o100000 ? 'file' : type === 0o040000 ? 'folder' : 'other', mode: mode & 0o7777 }
}

function need(path: string, { exitCode, stderr }: Exec): void {
  if (exitCode !== 0) throw refused(path, stderr.trim())
}

async function run(qga: Qga, path: string, program: string, args: readonly string[], input?: string): Promise<Exec> {
  try {
    return await qga.exec(program, args, input === undefined ? {} : { input })
  } catch (error) {
    throw refused(path, error)
  }
}

/** Gives the guest's refusal its own code; an error of a lost or silent guest agent stays as it is. */
function refused(path: string, error: unknown): unknown {
  if (typeof error !== 'string' && !isAgentError(error)) return error
  const words = typeof error === 'string' ? error : error.message
  return new CrossportError('GUEST_COMMAND_FAILED', `${path}: ${withSelinux(words)}`)
}
