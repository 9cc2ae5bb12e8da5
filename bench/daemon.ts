import { spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { end } from '../test/segment/cleanup.ts'
import { unitEnvironment, unitFlags } from './unit-flags.ts'

const STATE = 'agent.db'

/** A host's directories, which outlive its agent. */
export interface BenchDirectory extends AsyncDisposable {
  readonly path: string
  readonly services: string
  /** Writes a file beside its place and renames it, as operators should. */
  drop(name: string, text: string): Promise<void>
  /** Removes the state file. */
  forget(): Promise<void>
}

export async function makeDirectory(): Promise<BenchDirectory> {
  const path = await mkdtemp(join(tmpdir(), 'crossport-bench-host-'))
  const services = join(path, 'services.d')
  await mkdir(services)
  return {
    path,
    services,
    drop: async (name, text) => {
      await writeFile(join(services, `${name}.tmp`), text)
      await rename(join(services, `${name}.tmp`), join(services, name))
    },
    forget: async () => {
      for (const part of ['', '-wal', '-shm']) await rm(join(path, STATE + part), { force: true })
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  }
}

/** Options of bench/programs/agent.ts. */
export interface DaemonOptions {
  readonly config: Readonly<Record<string, unknown>>
  /** Number of VMs, and of their ports. */
  readonly vms: number
  /** The ports: made up for the VMs, or read from OVSDB. */
  readonly ports: 'made up' | 'in OVSDB'
}

/** Messages of the agent's process; `at`: milliseconds of the clock of `monotonic`. */
export type DaemonEvent =
  | { readonly kind: 'begun'; readonly at: number }
  | { readonly kind: 'confirmed'; readonly at: number; readonly commitMs: number }
  | { readonly kind: 'in sync'; readonly at: number; readonly flows: number }
  | { readonly kind: 'saved'; readonly at: number }

/** Milliseconds of the clock that all processes of a machine share (clock_gettime(2), CLOCK_MONOTONIC). */
export const monotonic = (): number => Number(process.hrtime.bigint()) / 1e6

/** The agent in a process of its own, without libvirt, guests and director, and with OVSDB only on demand. */
export interface BenchDaemon {
  /** When the process was started, when its first pass had ended, and what the switch had then. */
  readonly startedAt: number
  readonly begun: Promise<DaemonEvent & { kind: 'begun' }>
  readonly inSync: Promise<DaemonEvent & { kind: 'in sync' }>
  /** Resolves when all of this is in the state file, too. */
  readonly saved: Promise<DaemonEvent & { kind: 'saved' }>
  /** All confirmed changes so far. */
  readonly confirmed: readonly (DaemonEvent & { kind: 'confirmed' })[]
  /** The next confirmed change. */
  nextConfirmed(): Promise<DaemonEvent & { kind: 'confirmed' }>
  /** Resident memory now, and its maximum so far, in MiB. */
  memory(): { readonly now: number; readonly peak: number }
  stop(): Promise<void>
}

/** Uses the options that systemd starts it with. `cleanup` ends it. */
export function startDaemon(
  rundir: string,
  directory: BenchDirectory,
  vms: number,
  cleanup: AsyncDisposableStack,
  ports: DaemonOptions['ports'] = 'made up',
): BenchDaemon {
  const options: DaemonOptions = {
    vms,
    ports,
    config: {
      bridge: 'br0',
      uplink: 'uplink0',
      fabric: 'l2',
      hostId: 'bench',
      servicesDir: directory.services,
      stateFile: join(directory.path, STATE),
      controlSocket: join(directory.path, 'agent.sock'),
      ovsdbSocket: join(rundir, 'db.sock'),
      ovsRunDir: rundir,
      libvirtSocket: join(directory.path, 'no-libvirt'),
    },
  }
  const program = new URL('programs/agent.ts', import.meta.url).pathname
  const startedAt = monotonic()
  const child = spawn(process.execPath, [...unitFlags('agent'), program, JSON.stringify(options)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, ...unitEnvironment('agent', join(rundir, 'compile-cache')) },
  })
  cleanup.defer(() => end(child, 'SIGTERM'))
  const events = new EventEmitter()
  const confirmed: (DaemonEvent & { kind: 'confirmed' })[] = []
  child.on('message', message => {
    const event = message as DaemonEvent
    if (event.kind === 'confirmed') confirmed.push(event)
    events.emit(event.kind, event)
  })
  const next = async <K extends DaemonEvent['kind']>(kind: K): Promise<DaemonEvent & { kind: K }> => {
    const ended = new AbortController()
    const gone = () => ended.abort(new Error('the agent has ended'))
    child.once('exit', gone)
    try {
      const [event] = await once(events, kind, { signal: ended.signal })
      return event
    } finally {
      child.off('exit', gone)
    }
  }
  const saved = next('saved')
  // A process that is stopped before this has not failed.
  saved.catch(() => {})
  return {
    startedAt,
    begun: next('begun'),
    inSync: next('in sync'),
    saved,
    confirmed,
    nextConfirmed: () => next('confirmed'),
    memory: () => {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
      const mib = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024
      return { now: mib('VmRSS'), peak: mib('VmHWM') }
    },
    stop: () => end(child, 'SIGTERM'),
  }
}
