import { existsSync, renameSync } from 'node:fs'
import { CrossportError } from '../errors.ts'
import { answers } from '../rpc/socket.ts'

export interface RebuildOptions {
  readonly stateFile: string
  /** Control socket of the daemon that owns the file; the daemon must not run. */
  readonly controlSocket: string
  readonly now: Date
}

/**
 * `--rebuild-state`: renames a state file and its journal, so that the daemon's next start builds a new one.
 *
 * @returns its new path; undefined when there was none.
 * @throws STORE_FAILED while the daemon runs, or when the file cannot be renamed.
 */
export async function rebuildState({ stateFile, controlSocket, now }: RebuildOptions): Promise<string | undefined> {
  const fields = { FILE: stateFile }
  if (await answers(controlSocket))
    throw new CrossportError('STORE_FAILED', `${stateFile} is in use: stop the daemon first`, { fields })
  const to = `${stateFile}.${now.toISOString().replaceAll(/[:.]/g, '-')}`
  const there = existsSync(stateFile)
  try {
    for (const part of ['', '-wal', '-shm']) if (existsSync(stateFile + part)) renameSync(stateFile + part, to + part)
  } catch (cause) {
    throw new CrossportError('STORE_FAILED', `cannot move ${stateFile} to ${to}: ${(cause as Error).message}`, {
      fields,
      cause,
    })
  }
  return there ? to : undefined
}
