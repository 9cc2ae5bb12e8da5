import { type ChildProcess, spawn as spawnChild } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { execa } from 'execa'
import { patience } from './datapath.ts'
import { waitForLine } from './follow.ts'

/** The result of a command in a place. */
export interface ExecResult {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

export interface ExecOptions {
  /** Default 30 s; the command is killed then, and its exit code is 124 (timeout(1)). */
  readonly timeoutMs?: number
  /** Whether to throw when the exit code is not 0. Default true. */
  readonly check?: boolean
  readonly input?: string
  readonly env?: Readonly<Record<string, string>>
}

export interface SpawnOptions {
  /** Name of the log file (PLACE-NAME.log in the lab's directory). Default: the program's name. */
  readonly name?: string
  readonly env?: Readonly<Record<string, string>>
}

/** A long-running process in a place. It ends with its lab at the latest. */
export interface LabProcess {
  /** Process id as seen from outside the lab. */
  readonly pid: number
  /** File of its standard output and standard error. */
  readonly log: string
  /** Its exit code, or 128 + the signal. */
  readonly exited: Promise<number>
  kill(signal?: NodeJS.Signals): void
  /** Resolves with the first matching line of the log; rejects when the process ends first, or after the timeout. */
  waitForLine(pattern: RegExp, timeoutMs?: number): Promise<string>
}

/** A set of namespaces: a host, a client, the fabric. Process `pid` keeps them. */
export interface Place {
  readonly name: string
  readonly pid: number
  /** Runs a command to its end. Returns stdout and stderr without their last newline. */
  exec(argv: readonly string[], options?: ExecOptions): Promise<ExecResult>
  spawn(argv: readonly string[], options?: SpawnOptions): Promise<LabProcess>
  /** Converts a path inside to one from outside. Absolute symlinks on the way would lead out of the place. */
  path(inside: string): string
  readFile(inside: string): Promise<string>
  writeFile(inside: string, text: string): Promise<void>
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** The command line that runs `argv` in the namespaces of `pid`. */
export function enter(pid: number, argv: readonly string[]): string[] {
  return ['nsenter', '-t', String(pid), '-m', '-n', '-u', '-p', '--', ...argv]
}

export function makePlace(name: string, pid: number, logDir: string): Place {
  const inside = (file: string) => path.join(`/proc/${pid}/root`, file)
  return {
    name,
    pid,
    path: inside,
    readFile: file => readFile(inside(file), 'utf8'),
    writeFile: (file, text) => writeFile(inside(file), text),
    exec: (argv, options = {}) => execIn(name, pid, argv, options),
    spawn: (argv, options = {}) => {
      const log = path.join(logDir, `${name}-${options.name ?? path.basename(argv[0]!)}.log`)
      return spawnIn(pid, argv, log, options)
    },
  }
}

async function execIn(name: string, pid: number, argv: readonly string[], options: ExecOptions): Promise<ExecResult> {
  // timeout(1) runs inside, because killing nsenter would leave the command running.
  const seconds = String(patience(options.timeoutMs ?? 30_000) / 1000)
  const [file, ...args] = enter(pid, ['timeout', '-k', '1', seconds, ...argv])
  const { exitCode, stdout, stderr } = await execa(file!, args, {
    reject: false,
    env: { PATH, ...options.env },
    ...(options.input === undefined ? { stdin: 'ignore' as const } : { input: options.input }),
  })
  const result = { exitCode: exitCode ?? 255, stdout, stderr }
  if (options.check !== false && result.exitCode !== 0) {
    throw new Error(`${name}: ${argv.join(' ')}: exit code ${result.exitCode}: ${stderr || stdout}`)
  }
  return result
}

async function spawnIn(pid: number, argv: readonly string[], log: string, options: SpawnOptions): Promise<LabProcess> {
  // A file and not a pipe, because the process may outlive this one (Lab.release).
  const fd = openSync(log, 'a')
  const [file, ...args] = enter(pid, argv)
  const child = spawnChild(file!, args, {
    stdio: ['ignore', fd, fd],
    detached: true,
    env: { ...process.env, PATH, ...options.env },
  })
  closeSync(fd)
  child.unref()
  const exited = new Promise<number>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => resolve(code ?? (signal === null ? 255 : 128)))
  })
  exited.catch(() => {})
  const inner = await onlyChild(child)
  return {
    pid: inner,
    log,
    exited,
    kill: (signal = 'SIGTERM') => {
      try {
        // nsenter(1) stops with its child, and does not continue with it.
        if (signal === 'SIGCONT' && child.pid !== undefined) process.kill(child.pid, signal)
        process.kill(inner, signal)
        // A stopped nsenter would not notice its child's end.
        if (signal === 'SIGCONT') process.kill(child.pid!, signal)
      } catch {
        // The process has already ended.
      }
    },
    waitForLine: (pattern, timeoutMs = 30_000) =>
      waitForLine(log, pattern, { timeoutMs: patience(timeoutMs), ended: exited }),
  }
}

/** nsenter enters the PID namespace by a fork and does not pass signals on, so the process is its only child. */
async function onlyChild(parent: ChildProcess): Promise<number> {
  while (parent.exitCode === null && parent.signalCode === null) {
    const text = await readFile(`/proc/${parent.pid}/task/${parent.pid}/children`, 'utf8').catch(() => '')
    const pid = Number(text.trim().split(' ')[0])
    if (pid > 0) return pid
    await new Promise(resolve => setImmediate(resolve))
  }
  return parent.pid ?? 0
}
