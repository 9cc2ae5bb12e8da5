import { isDeepStrictEqual } from 'node:util'
import { updateSorted } from '../lists.ts'
import { createConflictIndex } from './conflicts.ts'
import type { ServiceSpec, SpecProblem } from './service.ts'
import {
  type FileContent,
  fileProblems,
  type GoodFile,
  resolveFiles,
  type ServicesSnapshot,
  snapshotOf,
  specsOf,
} from './snapshot.ts'

/** Keeps the snapshot of a directory, and the version of each file that is in force. */
export interface Snapshots {
  readonly current: ServicesSnapshot
  /** By file, the version that is in force. */
  readonly inForce: ReadonlyMap<string, GoodFile>
  /** `changed`: files that may differ from the last time, removed ones included; undefined: any file may. */
  update(files: ReadonlyMap<string, FileContent>, changed: ReadonlySet<string> | undefined): ServicesSnapshot
}

const EMPTY: ServicesSnapshot = { synced: false, specs: [], problems: [], documents: [], files: [] }

/**
 * The incremental form of `resolveSnapshot`: a changed file costs in proportion to its size. As soon as files conflict, and until
 * they no longer do, everything is resolved anew. What has not changed stays the same object.
 */
export function createSnapshots(lastGood: ReadonlyMap<string, GoodFile>): Snapshots {
  let current = EMPTY
  let inForce = new Map(lastGood)
  let problems = new Map<string, readonly SpecProblem[]>()
  let seen = new Map<string, FileContent>()
  /** Files in force, sorted by name. */
  let order: readonly GoodFile[] = []
  let index = createConflictIndex()
  let clean = false

  const whole = (files: ReadonlyMap<string, FileContent>): ServicesSnapshot => {
    const before = inForce
    const { snapshot, index: found } = resolveFiles(files, before)
    seen = new Map(files)
    order = snapshot.files
    inForce = new Map(order.map(content => [content.file, content]))
    problems = new Map()
    for (const [file, content] of files) {
      const found = fileProblems(file, content, before.has(file))
      if (found.length > 0) problems.set(file, found)
    }
    // A problem within one file affects no other file; only conflicts between files do.
    clean = snapshot.problems.length === [...problems.values()].flat().length
    index = found
    return isDeepStrictEqual(plain(snapshot), plain(current)) ? current : snapshot
  }

  /** Returns undefined, with nothing changed, when there is a conflict. */
  const some = (files: ReadonlyMap<string, FileContent>, changed: Iterable<string>): ServicesSnapshot | undefined => {
    const before = new Map<string, GoodFile | undefined>()
    let told = false
    for (const file of changed) {
      const content = files.get(file)
      if (content === seen.get(file)) continue
      if (content === undefined) seen.delete(file)
      else seen.set(file, content)
      before.set(file, inForce.get(file))
      const found = content === undefined ? [] : fileProblems(file, content, inForce.has(file))
      if (found.length > 0 || problems.has(file)) told = true
      if (found.length > 0) problems.set(file, found)
      else problems.delete(file)
      if (content === undefined) inForce.delete(file)
      else if (found.length === 0) inForce.set(file, content as GoodFile)
    }
    const different = [...before].filter(([file, was]) => inForce.get(file) !== was)
    for (const [, was] of different) for (const spec of was?.parsed.specs ?? []) index.remove(spec)
    for (const [file] of different) {
      for (const spec of inForce.get(file)?.parsed.specs ?? []) {
        if (index.check(spec)) {
          for (const [name, was] of before) {
            if (was === undefined) inForce.delete(name)
            else inForce.set(name, was)
          }
          return undefined
        }
        index.add(spec)
      }
    }
    if (different.length === 0 && !told) return current
    const gone = new Set(different.flatMap(([, was]) => was ?? []))
    const come = different.flatMap(([file]) => inForce.get(file) ?? [])
    order = updateSorted(order, gone, come, content => content.file)
    // When only the identity of a file has become known, listeners need not hear of it; it is saved with the next change.
    if (!told && different.every(([file, was]) => was?.parsed === inForce.get(file)?.parsed)) return current
    const specs = updateSorted(current.specs, new Set(specsOf([...gone])), specsOf(come), specPlace)
    return snapshotOf(order, [...problems.values()].flat(), specs)
  }

  return {
    get current() {
      return current
    },
    get inForce() {
      return inForce
    },
    update: (files, changed) => {
      const fast = clean ? some(files, changed ?? new Set([...seen.keys(), ...files.keys()])) : undefined
      current = fast ?? whole(files)
      return current
    },
  }
}

/** Sort key: by file, then by line. */
const specPlace = ({ source: { file, line } }: ServiceSpec) => `${file}\0${String(line).padStart(9, '0')}`

const plain = ({ synced, specs, problems, files }: ServicesSnapshot) => ({
  synced,
  specs,
  problems,
  texts: files.map(({ file, text }) => [file, text]),
})
