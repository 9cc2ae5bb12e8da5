import { existsSync, type FSWatcher, statSync, watch } from 'node:fs'
import { basename, dirname } from 'node:path'
import { isServiceFile } from './read-directory.ts'

export interface PathEvents {
  /**
   * Called after a change of an entry of the directory: the file's name, or undefined where anything may have changed. `renamed`:
   * the file was renamed from another name in the directory, so it is complete.
   */
  onEvent(name: string | undefined, renamed: boolean): void
  onError(error: Error): void
}

export interface PathWatch {
  /**
   * Checks whether the watched directory is still the one of this name, and watches these links' targets too (target → name of
   * the link). Returns true when it has begun to watch something, whose earlier changes are unknown.
   */
  follow(targets: ReadonlyMap<string, string>): boolean
  close(): void
}

/**
 * Watches one directory with inotify(7), with one watch whatever the number of files: on the directory, on its nearest existing
 * parent (to see it appear, vanish and be replaced), and on the directories of links' targets. It begins with the first `follow`.
 * fs.watch reports the name of the entry that an event concerns; chokidar's documented events need another reading of the whole
 * directory (with 10,000 files: 350 ms after the event, against 1 ms).
 */
export function watchPaths(dir: string, events: PathEvents): PathWatch {
  const watchers = new Map<string, { readonly watcher: FSWatcher; readonly identity: string }>()
  let targets: ReadonlyMap<string, string> = new Map()
  let closed = false
  let added = 0
  /** Name of another file, if the last event was that it appeared or vanished. */
  let lastOther: string | undefined

  const drop = (path: string) => {
    watchers.get(path)?.watcher.close()
    watchers.delete(path)
  }

  /** `type` is 'rename' (the entry appeared or vanished) or 'change'. */
  const heard = (path: string, type: string, name: string | null) => {
    if (closed) return
    if (path === dir) {
      const from = lastOther
      lastOther = undefined
      // The directory's own end is reported under its own name. Kubernetes replaces `..` entries, which affects all links through
      // them.
      if (name === null || name === basename(dir) || name.startsWith('..')) events.onEvent(undefined, false)
      else if (!isServiceFile(name)) lastOther = type === 'rename' ? name : undefined
      // The two events of a rename(2) follow each other.
      else events.onEvent(name, type === 'rename' && from !== undefined && !existsSync(`${dir}/${from}`))
      return
    }
    const file = name === null ? undefined : targets.get(`${path}/${name}`)
    if (file !== undefined) events.onEvent(file, false)
    else if (name === null || name === basename(path) || name === nextOn(path) || name.startsWith('..'))
      events.onEvent(undefined, false)
  }

  /** Returns true when the path is watched. */
  const ensure = (path: string): boolean => {
    const identity = identityOf(path)
    if (identity !== undefined && watchers.get(path)?.identity === identity) return true
    drop(path)
    if (identity === undefined) return false
    let watcher: FSWatcher
    const failed = (error: NodeJS.ErrnoException) => {
      // The path has vanished, or inotify's limits are reached; the caller also reads on a timer.
      if (error.code !== 'ENOENT') events.onError(error)
    }
    try {
      watcher = watch(path, (type, name) => heard(path, type, name))
    } catch (error) {
      failed(error as NodeJS.ErrnoException)
      return false
    }
    watcher.on('error', error => {
      if (watchers.get(path)?.watcher === watcher) drop(path)
      failed(error)
    })
    watchers.set(path, { watcher, identity })
    added++
    return true
  }

  /** The next existing path on the way to the directory. */
  const nextOn = (path: string) => {
    const start = path === '/' ? path : `${path}/`
    return dir.startsWith(start) ? dir.slice(start.length).split('/')[0] : undefined
  }

  const follow = (next: ReadonlyMap<string, string>) => {
    if (closed) return false
    const before = added
    targets = next
    const wanted = new Set([...targets.keys()].map(target => dirname(target)))
    wanted.delete(dir)
    ensure(dir)
    for (let path = dirname(dir); ; path = dirname(path)) {
      wanted.add(path)
      if (ensure(path) || path === '/') break
    }
    for (const path of wanted) ensure(path)
    for (const path of watchers.keys()) if (path !== dir && !wanted.has(path)) drop(path)
    return added > before
  }

  return {
    follow,
    close: () => {
      closed = true
      for (const path of watchers.keys()) drop(path)
    },
  }
}

function identityOf(path: string): string | undefined {
  try {
    const { dev, ino } = statSync(path)
    return `${dev} ${ino}`
  } catch {
    return undefined
  }
}
