import { CrossportError } from '../../shared/errors.ts'
import type { Commands } from './commands.ts'
import { isAgentError, withSelinux } from './ip.ts'
import type { Exec, Qga } from './qga.ts'
import { anyReply, handleReply, readReply, writeReply } from './replies.ts'

/** Small text files in the guest. All functions throw GUEST_COMMAND_FAILED when the guest refuses. */
export interface GuestFiles {
  /** Returns undefined when there is no such file. */
  read(path: string): Promise<string | undefined>
  write(path: string, text: string): Promise<void>
  /** Succeeds also when there is no such file. */
  remove(path: string): Promise<void>
}

const MAX_FILE = 32 * 1024

/** Uses guest-file-* where the guest agent allows them, and guest-exec otherwise. */
export function guestFiles(qga: Qga, commands: Commands): GuestFiles {
  const direct = commands.has('guest-file-open', 'guest-file-read', 'guest-file-write', 'guest-file-close')
  return { ...(direct ? byHandle(qga) : byCommand(qga)), remove: path => remove(qga, path) }
}

function byHandle(qga: Qga): Pick<GuestFiles, 'read' | 'write'> {
  const withFile = async <T>(path: string, mode: 'r' | 'w', work: (handle: number) => Promise<T>): Promise<T> => {
    const handle = await qga.call(handleReply, 'guest-file-open', { path, mode })
    let result: T
    try {
      result = await work(handle)
    } catch (error) {
      // The first failure is the one to report; a handle that stays open costs the guest little.
      await qga.call(anyReply, 'guest-file-close', { handle }).catch(() => {})
      throw error
    }
    // The guest writes the file out when it is closed, so a failure to close is a failure to write.
    await qga.call(anyReply, 'guest-file-close', { handle })
    return result
  }
  return {
    read: async path => {
      try {
        return await withFile(path, 'r', async handle => {
          const reply = await qga.call(readReply, 'guest-file-read', { handle, count: MAX_FILE })
          const bytes = Buffer.from(reply['buf-b64'], 'base64')
          if (bytes.length >= MAX_FILE) throw new CrossportError('GUEST_COMMAND_FAILED', `${path} is too large`)
          return bytes.toString('utf8')
        })
      } catch (error) {
        if (isAgentError(error) && /no such file/i.test(error.message)) return undefined
        throw refused(path, error)
      }
    },
    write: async (path, text) => {
      const bytes = Buffer.from(text)
      try {
        await withFile(path, 'w', async handle => {
          const args = { handle, 'buf-b64': bytes.toString('base64') }
          const { count } = await qga.call(writeReply, 'guest-file-write', args)
          if (count !== bytes.length)
            throw new CrossportError('GUEST_COMMAND_FAILED', `${path}: only ${count} of ${bytes.length} bytes written`)
        })
      } catch (error) {
        throw refused(path, error)
      }
    },
  }
}

function byCommand(qga: Qga): Pick<GuestFiles, 'read' | 'write'> {
  return {
    read: async path => {
      const { exitCode, stdout, stderr } = await run(qga, path, 'cat', [path])
      if (exitCode === 0) return stdout
      if (/no such file/i.test(stderr)) return undefined
      throw refused(path, stderr.trim())
    },
    write: async (path, text) => {
      const { exitCode, stderr } = await run(qga, path, 'sh', ['-c', 'cat > "$1"', 'sh', path], text)
      if (exitCode !== 0) throw refused(path, stderr.trim())
    },
  }
}

async function remove(qga: Qga, path: string): Promise<void> {
  const { exitCode, stderr } = await run(qga, path, 'rm', ['-f', path])
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
