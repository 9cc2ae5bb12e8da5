import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Teardowns, the last one first: an AsyncDisposableStack, or the teardowns of a test. */
export interface Cleanup {
  defer(end: () => void | Promise<void>): void
}

const left = new Set<string>()
const remove = (dir: string) => rmSync(dir, { recursive: true, force: true })
process.on('exit', () => left.forEach(remove))

/** A directory that the cleanup removes, or at the latest the end of this process. */
export function tempDir(cleanup: Cleanup): string {
  const dir = mkdtempSync(join(tmpdir(), 'crossport-'))
  left.add(dir)
  cleanup.defer(() => {
    left.delete(dir)
    remove(dir)
  })
  return dir
}

export interface ChildOptions {
  readonly env?: Readonly<Record<string, string>>
  /** Receives standard output and standard error. Default: nothing does. */
  readonly output?: 'ignore' | 'pipe'
}

/** A process that the cleanup kills; the kernel kills it when this process dies first. */
export function startChild(
  cleanup: Cleanup,
  command: readonly string[],
  { env = {}, output = 'ignore' }: ChildOptions = {},
): ChildProcess {
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...command], {
    env: { ...process.env, ...env },
    stdio: ['ignore', output, output],
  })
  cleanup.defer(() => end(child))
  return child
}

export async function end(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill(signal)
  await ended
}
