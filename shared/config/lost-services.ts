import type { Clock } from '../run/clock.ts'
import { isPublished, lastChange } from './read-directory.ts'
import type { FileContent, GoodFile } from './snapshot.ts'

/** Holds back a file's removal of services until it is sure that nobody is still writing the file. */
export interface LostServices {
  /**
   * Returns the content to use; a content that is held back counts as unreadable meanwhile. `renamed`: the file was renamed into
   * place. `awaited`: services that another file has lost, and that this one may be about to get.
   */
  judge(
    file: string,
    content: FileContent,
    inForce: GoodFile | undefined,
    renamed: boolean,
    awaited?: readonly string[],
  ): FileContent
  /** Nothing is called again after this, whatever is still judged. */
  close(): void
}

interface Held {
  readonly text: string
  /** When it was changed last: a daemon that was frozen has not seen what the file was meanwhile. */
  readonly change: string
  /** True when the file has had this content for long enough. */
  due: boolean
  cancel: () => void
}

/**
 * A file that is written in place (`cp`, `cat >`) is empty first, and with a slow disk or writer holds only a part for a while:
 * services that are missing may still come. So a file that has lost services counts only when its content has been the same for
 * `writeMs` milliseconds; then `again` is called. A file that was renamed into place is complete. (inotify(7) reports when a
 * writer closes a file, but fs.watch does not.)
 */
export function createLostServices(clock: Clock, writeMs: number, again: (file: string) => void): LostServices {
  const held = new Map<string, Held>()
  let closed = false

  const forget = (file: string) => {
    held.get(file)?.cancel()
    held.delete(file)
  }

  const hold = (file: string, text: string, change: string): Held => {
    forget(file)
    const entry: Held = { text, change, due: false, cancel: () => {} }
    if (closed) return entry
    entry.cancel = clock.after(writeMs, () => {
      entry.due = true
      again(file)
    })
    held.set(file, entry)
    return entry
  }

  return {
    judge(file, content, inForce, renamed, awaited = []) {
      const lost = lostServices(content, inForce, awaited)
      if (lost.length === 0 || !('text' in content) || renamed || isPublished(file)) {
        forget(file)
        return content
      }
      const before = held.get(file)
      const change = lastChange(file)
      const same = before?.text === content.text && before.change === change
      const { due } = same ? before : hold(file, content.text, change)
      return due ? content : { unreadable: reason(lost, content, writeMs) }
    },
    close: () => {
      closed = true
      for (const { cancel } of held.values()) cancel()
      held.clear()
    },
  }
}

/** The services that a valid file does not have. An invalid file changes nothing by itself. */
function lostServices(content: FileContent, inForce: GoodFile | undefined, awaited: readonly string[]): string[] {
  if (!('text' in content) || content.parsed.problems.length > 0) return []
  const same = content === inForce || content.text === inForce?.text
  const own = same ? [] : (inForce?.parsed.specs ?? []).map(({ service }) => service)
  if (own.length + awaited.length === 0) return []
  const now = new Set(content.parsed.specs.map(({ service }) => service))
  return [...own, ...awaited].filter(service => !now.has(service))
}

function reason(lost: readonly string[], { parsed }: GoodFile, writeMs: number): string {
  const what = parsed.specs.length === 0 ? 'says nothing' : `says nothing of ${lost.slice(0, 5).join(', ')}`
  return `${what}: when it still does in ${writeMs / 1000} s, and nobody is writing it, that counts`
}
