import { isDeepStrictEqual } from 'node:util'
import { watch } from 'chokidar'
import { CrossportError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Clock } from '../run/clock.ts'
import { type ParsedFile, parseServiceFile } from './parse.ts'
import { type CachedFile, readServiceDirectory } from './read-directory.ts'
import type { SpecProblem } from './service.ts'
import { resolveSnapshot, type ServicesSnapshot } from './snapshot.ts'

export interface WatchServicesOptions {
  readonly dir: string
  readonly log: Log
  readonly clock: Clock
  /** Called after every reading that changed something, and after the first. Does no I/O: it marks the loop dirty. */
  readonly onChange: (snapshot: ServicesSnapshot) => void
  /** `texts` of the last snapshot before a restart. */
  readonly lastGood?: ReadonlyMap<string, string>
  /** Quiet time after an event before the directory is read, and the longest wait while events go on. */
  readonly settleMs?: number
  /** Period of readings without an event: a lost event costs no more than this. */
  readonly rereadMs?: number
}

export interface ServicesWatch {
  snapshot(): ServicesSnapshot
  /** Reads the directory now (SIGHUP). Resolves when a reading that began after the call is done. */
  reload(): Promise<void>
  close(): Promise<void>
}

const EMPTY: ServicesSnapshot = { synced: false, specs: [], problems: [], documents: [], texts: new Map() }
const MAX_WAIT = 10

/** Watches a directory of service files and reads all of it on any event, on a timer and on `reload`. */
export function watchServices(options: WatchServicesOptions): ServicesWatch {
  const { dir, log, clock, onChange, settleMs = 50, rereadMs = 60_000 } = options
  let cache: ReadonlyMap<string, CachedFile> = new Map()
  let good = new Map([...(options.lastGood ?? [])].map(([file, text]) => [file, { text, parsed: parsed(text, file) }]))
  let current = EMPTY
  let targets: readonly string[] = []
  let closed = false
  let running = Promise.resolve()
  let queued: Promise<void> | undefined

  const watcher = watch(dir, {
    depth: 0,
    // Also after a watch of a new link target has begun: what changed before that is read then.
    ignoreInitial: false,
    followSymlinks: false,
    ignorePermissionErrors: true,
    atomic: false,
  })
  const settle = createSettle(clock, settleMs, () => void reload())
  watcher.on('all', settle.poke)
  watcher.on('error', err =>
    log.warn('watching the service files failed; they are still read on a timer', { dir, err }),
  )
  let cancelTimer = () => {}
  const arm = () => {
    cancelTimer = clock.after(rereadMs, () => void reload())
  }

  async function readOnce(): Promise<void> {
    if (closed) return
    settle.cancel()
    cancelTimer()
    try {
      const content = await readServiceDirectory(dir, cache)
      if (closed) return
      if (content.gone && cache.size > 0)
        log.notice('the directory of service files is gone, and its services with it', { dir })
      cache = content.files
      follow(content.targets)
      publish(resolveSnapshot(new Map([...cache].map(([file, { content: text }]) => [file, text])), good))
    } catch (cause) {
      const err = new CrossportError('SPEC_DIRECTORY', `${dir} cannot be read`, { fields: { file: dir }, cause })
      log.error('service files stay as they were', { err })
    } finally {
      if (!closed) arm()
    }
  }

  function publish(next: ServicesSnapshot): void {
    const before = current
    if (isDeepStrictEqual(before, next)) return
    current = next
    good = new Map(
      [...next.texts].map(([file, text]) => [
        file,
        good.get(file)?.text === text ? good.get(file)! : { text, parsed: parsed(text, file) },
      ]),
    )
    report(log, before.problems, next.problems)
    onChange(next)
  }

  // Files behind symbolic links are not in the directory's events.
  function follow(next: readonly string[]): void {
    const added = next.filter(target => !targets.includes(target))
    const dropped = targets.filter(target => !next.includes(target))
    if (dropped.length > 0) watcher.unwatch(dropped)
    if (added.length > 0) watcher.add(added)
    targets = next
  }

  function reload(): Promise<void> {
    queued ??= running.then(() => {
      queued = undefined
      return (running = readOnce())
    })
    return queued
  }

  void reload()
  return {
    snapshot: () => current,
    reload,
    async close() {
      closed = true
      settle.cancel()
      cancelTimer()
      await Promise.all([watcher.close(), queued ?? running])
    },
  }
}

/** Runs `fn` when events have paused for `ms`, and at the latest after MAX_WAIT times that. */
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
  const err = new CrossportError('SPEC_INVALID', `${file}:${line}:${column}: ${reason}`, { fields })
  return [lastGood ? 'service file rejected, its last good version stays in force' : 'service file rejected', { err }]
}

const parsed = (text: string, file: string): ParsedFile => parseServiceFile(text, file)
