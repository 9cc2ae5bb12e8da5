import { lstatSync } from 'node:fs'
import { basename, join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { CrossportError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Clock } from '../run/clock.ts'
import { printable } from './findings.ts'
import { createLostServices } from './lost-services.ts'
import { createMovedServices } from './moved-services.ts'
import { isPublished, LOT, readServiceDirectory, readServiceFile } from './read-directory.ts'
import type { SpecProblem } from './service.ts'
import type { FileContent, GoodFile, ServicesSnapshot } from './snapshot.ts'
import { createSnapshots } from './snapshots.ts'
import { type PathWatch, watchPaths } from './watch-paths.ts'

export interface WatchServicesOptions {
  readonly dir: string
  readonly log: Log
  readonly clock: Clock
  /** Called after the first reading and after every one that changed something. Must not do I/O: it marks the loop dirty. */
  readonly onChange: (snapshot: ServicesSnapshot) => void
  /** `files` of the last snapshot before the restart. */
  readonly lastGood?: readonly GoodFile[]
  /** Time without events before the directory is read; while events go on, the read waits a bounded number of these. */
  readonly settleMs?: number
  /** How long the content of a file that has lost services must stay the same, unless the file was renamed into place. */
  readonly writeMs?: number
  /** When to begin watching (default: at once), because that takes a while. Changes before it are read once it has begun. */
  readonly watchAfter?: Promise<void>
  /** Time between two readings without an event: a lost event delays a change by no more than this. */
  readonly rereadMs?: number
}

export interface ServicesWatch {
  snapshot(): ServicesSnapshot
  /** Reads the directory now (SIGHUP). Resolves when a reading that began after the call has ended. */
  reload(): Promise<void>
  close(): Promise<void>
}

const MAX_WAIT = 10
/** Events that the kernel queues before it drops further ones without a report (inotify(7), max_queued_events). */
const MANY_EVENTS = 4096

/**
 * Watches a directory of service files. An event leads to a reading of its file. The whole directory is read at the start, on a
 * timer, on `reload`, and whenever an event does not name its file. A file that was renamed into place is read at once, any other
 * after a pause in events.
 */
export function watchServices(options: WatchServicesOptions): ServicesWatch {
  const { dir, log, clock, onChange, settleMs = 50, writeMs = 3000, rereadMs = 60_000 } = options
  const lastGood = new Map((options.lastGood ?? []).map(content => [content.file, content]))
  const snapshots = createSnapshots(lastGood)
  let files: Map<string, FileContent> = lastGood
  const moved = createMovedServices()
  let targets: ReadonlyMap<string, string> = new Map()
  let dirty = new Set<string>()
  /** Files whose last event was a rename into place: since the last reading began, and before. */
  let nowRenamed = new Set<string>()
  let renamed = nowRenamed
  let all = true
  let events = 0
  let lastRead = Number.NEGATIVE_INFINITY
  let closed = false
  let running = Promise.resolve()
  let queued: Promise<void> | undefined
  let unread: string | undefined

  const lost = createLostServices(clock, writeMs, file => {
    dirty.add(basename(file))
    void read()
  })
  const settle = createSettle(clock, settleMs, () => void read())
  let paths: PathWatch | undefined
  const watch = () => {
    if (closed) return
    paths = watchPaths(dir, {
      onEvent: (name, wasRenamed) => {
        if (name === undefined || ++events > MANY_EVENTS) all = true
        else dirty.add(name)
        if (name !== undefined && wasRenamed) nowRenamed.add(name)
        else if (name !== undefined) nowRenamed.delete(name)
        const rested = name !== undefined && clock.now() - lastRead >= settleMs
        const atOnce = rested && (wasRenamed || isPublished(join(dir, name)))
        if (atOnce) void read()
        else settle.poke()
      },
      onError: err => log.warn('watching the service files failed; they are still read on a timer', { dir, err }),
    })
    follow()
  }
  /** Watches new paths. Their changes between the reading and the start of the watch were not reported. */
  const follow = () => {
    if (closed || paths?.follow(targets) !== true) return
    all = true
    settle.poke()
  }
  let cancelTimer = () => {}
  const arm = () => {
    cancelTimer()
    cancelTimer = clock.after(rereadMs, () => void reload())
  }

  const judge = (file: string, content: FileContent) =>
    lost.judge(file, content, snapshots.inForce.get(file), renamed.has(basename(file)), moved.awaited(file))

  const readAll = async (): Promise<undefined> => {
    paths?.follow(targets)
    const content = await readServiceDirectory(dir, files)
    if (content.gone && files.size > 0)
      log.notice('the directory of service files is gone, and its services with it', { dir })
    files = content.files
    for (const [file, read] of files) files.set(file, judge(file, read))
    targets = content.targets
    follow()
  }

  const readSome = async (names: ReadonlySet<string>): Promise<ReadonlySet<string>> => {
    const changed = new Set<string>()
    for (const name of names) {
      const file = join(dir, name)
      changed.add(file)
      if (changed.size % LOT === 0) await setImmediate()
      const read = await readServiceFile(file, files.get(file))
      if (read === undefined) files.delete(file)
      else files.set(file, judge(file, read))
    }
    return changed
  }

  async function readOnce(): Promise<void> {
    if (closed) return
    settle.cancel()
    const names = dirty
    // A changed link leads elsewhere: all targets have to be found and watched again.
    const whole = all || targets.size > 0 || [...names].some(name => isLink(join(dir, name)))
    dirty = new Set()
    renamed = nowRenamed
    nowRenamed = new Set()
    all = false
    events = 0
    try {
      const changed = await (whole ? readAll() : readSome(names))
      if (closed) return
      const reading = moved.judge({ files, changed }, snapshots.inForce)
      const before = unread === undefined ? snapshots.current : { ...snapshots.current, unread }
      unread = undefined
      publish(before, snapshots.update(reading.files, reading.changed))
      for (const file of reading.again) dirty.add(basename(file))
      if (reading.again.length > 0) void read()
    } catch (cause) {
      all = true
      const err = new CrossportError('SPEC_DIRECTORY', `${dir} cannot be read`, { fields: { file: dir }, cause })
      log.error('the service files in force stay in force', { err })
      if (closed) return
      unread = `it cannot be read: ${(cause as Error).message}`
      onChange({ ...snapshots.current, unread })
    } finally {
      lastRead = clock.now()
      if (!closed && whole) arm()
    }
  }

  function publish(before: ServicesSnapshot, next: ServicesSnapshot): void {
    if (before === next) return
    report(log, before.problems, next.problems)
    onChange(next)
  }

  function read(): Promise<void> {
    // Overdue timers run before events are heard: after a freeze a file may be gone whose new name is not known yet.
    queued ??= Promise.all([running, setImmediate()]).then(() => {
      queued = undefined
      return (running = readOnce())
    })
    return queued
  }

  function reload(): Promise<void> {
    all = true
    return read()
  }

  void read()
  if (options.watchAfter === undefined) watch()
  else void options.watchAfter.then(watch)
  return {
    snapshot: () => snapshots.current,
    reload,
    async close() {
      closed = true
      settle.cancel()
      lost.close()
      cancelTimer()
      paths?.close()
      await (queued ?? running)
    },
  }
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true
}

/** Runs `fn` when there have been no events for `ms`, and at the latest after MAX_WAIT times that. */
function createSettle(clock: Clock, ms: number, fn: () => void) {
  let cancel: (() => void) | undefined
  let since = 0
  return {
    poke: () => {
      if (cancel === undefined) since = clock.now()
      else if (clock.now() - since >= ms * (MAX_WAIT - 1)) return
      cancel?.()
      cancel = clock.after(ms, () => {
        cancel = undefined
        fn()
      })
    },
    cancel: () => {
      cancel?.()
      cancel = undefined
    },
  }
}

function report(log: Log, before: readonly SpecProblem[], after: readonly SpecProblem[]): void {
  const key = (problem: SpecProblem) => JSON.stringify(problem)
  const known = new Set(before.map(key))
  for (const problem of after.filter(entry => !known.has(key(entry)))) log.error(...problemEntry(problem))
  const bad = new Set(after.map(problem => problem.file))
  for (const file of new Set(before.map(problem => problem.file).filter(name => !bad.has(name)))) {
    log.info('service file is in order again, or gone', { file })
  }
}

/** The log line of a problem: `service file rejected: /etc/…/web.yaml:3:5: … file=… line=3 column=5`. */
export function problemEntry(problem: SpecProblem): [string, { err: CrossportError }] {
  const { file, line, column, service, reason, lastGood } = problem
  const fields = { file, line, column, ...(service === undefined ? {} : { service }) }
  const err = new CrossportError('SPEC_INVALID', `${printable(file)}:${line}:${column}: ${reason}`, { fields })
  return [lastGood ? 'service file rejected, its last good version stays in force' : 'service file rejected', { err }]
}
