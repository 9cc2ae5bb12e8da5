import { basename } from 'node:path'
import type { FileContent, GoodFile } from './snapshot.ts'

type Files = ReadonlyMap<string, FileContent>
type InForce = ReadonlyMap<string, GoodFile>

/** What one reading of the directory has found; `changed`: names that may differ from the last time, undefined: all. */
export interface Reading {
  readonly files: Files
  readonly changed: ReadonlySet<string> | undefined
}

/** Holds back the removal of services that may have been moved to a file that is wrong. */
export interface MovedServices {
  /**
   * Returns the reading to use: a file that has lost such services, or is gone, counts as unreadable meanwhile. `again`: files to
   * be read once more, for now they are awaited.
   */
  judge(reading: Reading, inForce: InForce): Reading & { readonly again: readonly string[] }
  /** Services that others have lost, and that this wrong file may have. */
  awaited(file: string): readonly string[]
}

interface Wrong {
  readonly fault: string
  /** Services that its text names. */
  readonly names: ReadonlySet<string>
}

interface Held {
  /** Wrong files that may have its services. */
  readonly by: readonly string[]
  readonly lost: readonly string[]
  readonly content: FileContent
}

/** Of so many wrong files at most is remembered that a file waits for them. */
const MOST_WRONG = 100

/**
 * A wrong file may have any services. It is taken to have those that another file has lost when it names one of them (a service
 * was moved, with a mistake), or when it is new and was found in the same reading (a file got another name and other content; a
 * checkout). Then the file that has lost them stays in force as it was, until the wrong file is in order, or gone, or until they are all
 * in files that are in order. The first reading after a start counts as one edit, although the daemon was away for longer.
 */
export function createMovedServices(): MovedServices {
  const wrong = new Map<string, Wrong>()
  let held = new Map<string, Held>()

  /** Notes which files are wrong. Returns those that are newly so, and have nothing in force. */
  const newlyWrong = (files: Files, changed: Iterable<string>, inForce: InForce): ReadonlySet<string> => {
    const fresh = new Set<string>()
    for (const file of changed) {
      const content = files.get(file)
      const fault = faultOf(content) ?? (inForce.has(file) ? undefined : silence(content))
      const same = fault === wrong.get(file)?.fault
      if (fault === undefined) wrong.delete(file)
      else if (!same) wrong.set(file, { fault, names: namesIn(content) })
      if (fault !== undefined && !same && !inForce.has(file)) fresh.add(file)
    }
    return fresh
  }

  return {
    judge(reading, inForce) {
      const { files } = reading
      const changed = reading.changed ?? new Set([...inForce.keys(), ...wrong.keys(), ...files.keys()])
      const fresh = newlyWrong(files, changed, inForce)
      const before = held
      held = new Map()
      let elsewhere: ReadonlySet<string> | undefined
      for (const file of wrong.size > 0 ? new Set([...changed, ...before.keys()]) : []) {
        const missing = missingFrom(files.get(file), inForce.get(file))
        if (missing.length === 0) continue
        elsewhere ??= servicesOf(files)
        const lost = missing.filter(service => !elsewhere!.has(service))
        if (lost.length === 0) continue
        const was = before.get(file)
        const mayHave = (name: string) =>
          was === undefined ? fresh.has(name) || lost.some(one => wrong.get(name)!.names.has(one)) : wrong.has(name)
        const by = [...(was?.by ?? wrong.keys())].filter(mayHave).slice(0, MOST_WRONG)
        if (by.length > 0) held.set(file, by.length === was?.by.length ? was : hold(by, lost, files.has(file)))
      }
      if (before.size === 0 && held.size === 0) return { ...reading, again: [] }
      const awaited = [...held.values()].flatMap(({ by }) => by)
      return {
        files: new Map([...files, ...[...held].map(([file, { content }]) => [file, content] as const)]),
        changed: reading.changed && new Set([...reading.changed, ...before.keys(), ...held.keys()]),
        again: awaited.filter(file => !inForce.has(file) && silence(files.get(file)) !== undefined),
      }
    },
    awaited: file => [...held.values()].flatMap(({ by, lost }) => (by.includes(file) ? lost : [])),
  }
}

/** Undefined for one that is in order, and for none. */
function faultOf(content: FileContent | undefined): string | undefined {
  if (content === undefined) return undefined
  if ('unreadable' in content) return content.unreadable
  return content.parsed.problems.length > 0 ? content.text : undefined
}

/** A new file that says nothing may be about to be written: lost-services.ts waits for it. */
const silence = (content: FileContent | undefined): string | undefined =>
  content !== undefined && 'text' in content && content.parsed.specs.length === 0 ? 'says nothing' : undefined

/** Services in force of a file that it no longer has, in order or gone. */
function missingFrom(content: FileContent | undefined, last: GoodFile | undefined): readonly string[] {
  if (last === undefined || content === last || faultOf(content) !== undefined) return []
  const has = new Set((content as GoodFile | undefined)?.parsed.specs.map(({ service }) => service))
  return last.parsed.specs.map(({ service }) => service).filter(service => !has.has(service))
}

/** Those of all files that are in order. */
function servicesOf(files: Files): ReadonlySet<string> {
  const found = new Set<string>()
  for (const content of files.values())
    if (faultOf(content) === undefined) for (const { service } of (content as GoodFile).parsed.specs) found.add(service)
  return found
}

/** The text has `service: NAME` of these, however wrong the rest is. */
function namesIn(content: FileContent | undefined): ReadonlySet<string> {
  if (content === undefined || 'unreadable' in content) return new Set()
  return new Set(content.text.matchAll(/\bservice["']?[ \t]*:[ \t]*["']?([\w.-]+)/g).map(([, name]) => name!))
}

/** `there`: the file that has lost these services is there. */
function hold(by: readonly string[], lost: readonly string[], there: boolean): Held {
  const which = list(by.map(file => basename(file)))
  const what = there ? `no longer has ${list(lost)}, which` : 'is gone, and its services'
  const until = by.length > 1 ? 'these files are' : 'that file is'
  return {
    by,
    lost,
    content: { unreadable: `${what} may be in ${which}: what was in force stays until ${until} in order, or gone` },
  }
}

const list = (all: readonly string[]): string =>
  all.length > 5 ? `${all.slice(0, 5).join(', ')} and ${all.length - 5} more` : all.join(', ')
