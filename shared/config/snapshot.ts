import { type Conflict, type ConflictIndex, conflictProblem, createConflictIndex } from './conflicts.ts'
import type { ParsedFile, SourceDocument } from './parse.ts'
import type { ServiceSpec, SpecProblem } from './service.ts'

/** What the directory says, and what of it is in force. */
export interface ServicesSnapshot {
  /** False until the directory has been read once. */
  readonly synced: boolean
  /** Why the directory cannot be read now: the rest is as it was read last. */
  readonly unread?: string
  /** In force, by file and line. */
  readonly specs: readonly ServiceSpec[]
  /** Not in force. */
  readonly problems: readonly SpecProblem[]
  /** The texts in force, one a document, for sending on. */
  readonly documents: readonly SourceDocument[]
  /** The files in force, by name: hand them back as `lastGood` after a restart. */
  readonly files: readonly GoodFile[]
}

/** One file as it was read: its parsed text, or why there is none. */
export type FileContent = GoodFile | UnreadableFile

/** A text with its services; of one in force, all of them are valid. */
export interface GoodFile {
  readonly file: string
  readonly text: string
  readonly parsed: ParsedFile
  /** While the file has the same, its content is the same. Absent or empty: not known. */
  readonly identity?: string
}

export interface UnreadableFile {
  readonly unreadable: string
  readonly identity?: string
}

interface Candidate {
  readonly content: GoodFile
  /** Already in force: a newcomer that conflicts with it loses. */
  readonly incumbent: boolean
}

/**
 * Decides which version of each file is in force. A file is one unit: if anything in it is wrong, or conflicts with what is
 * already in force, its last good version stays. Of two new files in conflict the first by name wins. Pure.
 *
 * @param files what is in the directory now; files that are gone are not in it, and neither are their services
 * @param lastGood file → the version in force before
 */
export function resolveSnapshot(
  files: ReadonlyMap<string, FileContent>,
  lastGood: ReadonlyMap<string, GoodFile>,
): ServicesSnapshot {
  return resolveFiles(files, lastGood).snapshot
}

/** The same, with an index of the services in force. */
export function resolveFiles(
  files: ReadonlyMap<string, FileContent>,
  lastGood: ReadonlyMap<string, GoodFile>,
): { readonly snapshot: ServicesSnapshot; readonly index: ConflictIndex } {
  const problems: SpecProblem[] = []
  const held = new Set<string>()
  for (const [file, content] of files) {
    const found = fileProblems(file, content, lastGood.has(file))
    if (found.length === 0) continue
    problems.push(...found)
    held.add(file)
  }
  // A newcomer that loses falls back to its last good version, which is then an incumbent: others may lose to it.
  for (;;) {
    const { accepted, rejected, index } = accept(candidates(files, lastGood, held))
    const back = [...rejected.keys()].filter(file => lastGood.has(file) && !held.has(file))
    if (back.length === 0) {
      const conflicts = conflictProblems(rejected, files, lastGood, held)
      return { snapshot: snapshotOf(accepted.sort(byFile), [...problems, ...conflicts]), index }
    }
    for (const file of back) {
      held.add(file)
      problems.push(...(rejected.get(file) ?? []).map(conflict => conflictProblem(conflict, true)))
    }
  }
}

const byFile = (a: GoodFile, b: GoodFile) => (a.file < b.file ? -1 : 1)

/** What is wrong with a file by itself, whatever the others say. */
export function fileProblems(file: string, content: FileContent, lastGood: boolean): SpecProblem[] {
  if ('unreadable' in content) return [{ file, line: 1, column: 1, reason: content.unreadable, lastGood }]
  return content.parsed.problems.map(problem => ({ ...problem, lastGood }))
}

function candidates(
  files: ReadonlyMap<string, FileContent>,
  lastGood: ReadonlyMap<string, GoodFile>,
  held: ReadonlySet<string>,
): Candidate[] {
  const all: Candidate[] = []
  for (const file of [...files.keys()].sort()) {
    const content = files.get(file)!
    const before = lastGood.get(file)
    if (held.has(file)) {
      if (before) all.push({ content: before, incumbent: true })
    } else if ('text' in content) {
      all.push({ content, incumbent: before?.text === content.text })
    }
  }
  return all.sort((a, b) => Number(b.incumbent) - Number(a.incumbent))
}

function accept(all: readonly Candidate[]) {
  const index = createConflictIndex()
  const accepted: GoodFile[] = []
  const rejected = new Map<string, Conflict[]>()
  for (const { content } of all) {
    const conflicts: Conflict[] = []
    const added: ServiceSpec[] = []
    for (const spec of content.parsed.specs) {
      const conflict = index.check(spec)
      if (conflict) conflicts.push(conflict)
      else {
        index.add(spec)
        added.push(spec)
      }
    }
    if (conflicts.length === 0) {
      accepted.push(content)
      continue
    }
    for (const spec of added) index.remove(spec)
    rejected.set(content.file, conflicts)
  }
  return { accepted, rejected, index }
}

function conflictProblems(
  rejected: ReadonlyMap<string, readonly Conflict[]>,
  files: ReadonlyMap<string, FileContent>,
  lastGood: ReadonlyMap<string, unknown>,
  held: ReadonlySet<string>,
): SpecProblem[] {
  return [...rejected].flatMap(([file, conflicts]) =>
    conflicts.map(conflict => conflictProblem(conflict, files.has(file) && lastGood.has(file) && !held.has(file))),
  )
}

export function specsOf(files: readonly GoodFile[]): ServiceSpec[] {
  const specs: ServiceSpec[] = []
  for (const { parsed } of files) for (const spec of parsed.specs) specs.push(spec)
  return specs
}

/** `files`: those in force, by name. What only some readers want is made when it is asked for. */
export function snapshotOf(
  files: readonly GoodFile[],
  problems: readonly SpecProblem[],
  specs: readonly ServiceSpec[] = specsOf(files),
): ServicesSnapshot {
  let documents: readonly SourceDocument[] | undefined
  return {
    synced: true,
    specs,
    problems: problems.toSorted(
      (a, b) => (a.file < b.file ? -1 : Number(a.file > b.file)) || a.line - b.line || a.column - b.column,
    ),
    get documents() {
      return (documents ??= files.flatMap(({ parsed }) => parsed.documents))
    },
    files,
  }
}
