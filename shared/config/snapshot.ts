import { type Claimant, inOrderOfClaims } from './claimants.ts'
import { type Conflict, type ConflictIndex, conflictProblem, createConflictIndex } from './conflicts.ts'
import type { ParsedFile, SourceDocument } from './parse.ts'
import type { ServiceSpec, SpecProblem } from './service.ts'

/** The content of the directory, and what of it is in force. */
export interface ServicesSnapshot {
  /** False until the directory has been read once. */
  readonly synced: boolean
  /** Why the directory cannot be read now; the rest is as it was read last. */
  readonly unread?: string
  /** Services in force, sorted by file and line. */
  readonly specs: readonly ServiceSpec[]
  /** Files and documents that are not in force. */
  readonly problems: readonly SpecProblem[]
  /** The texts in force, one per document, for sending on. */
  readonly documents: readonly SourceDocument[]
  /** The files in force, by name. After a restart they are passed in as `lastGood`. */
  readonly files: readonly GoodFile[]
}

/** One file as it was read: its parsed text, or why it has none. */
export type FileContent = GoodFile | UnreadableFile

/** A text with its services. When it is in force, all of them are valid. */
export interface GoodFile {
  readonly file: string
  readonly text: string
  readonly parsed: ParsedFile
  /** While a file's identity is the same, its content is the same. Absent or empty: not known. */
  readonly identity?: string
}

export interface UnreadableFile {
  readonly unreadable: string
  readonly identity?: string
}

interface Candidate extends Claimant {
  readonly content: GoodFile
}

/**
 * Decides which version of each file is in force. A file is one unit: if anything in it is wrong, or conflicts with what is
 * already in force, its last good version stays. Of two new files in conflict the first by name wins. Pure.
 *
 * @param files the files in the directory now; services of removed files are not in force
 * @param lastGood file → the version that was in force before
 */
export function resolveSnapshot(
  files: ReadonlyMap<string, FileContent>,
  lastGood: ReadonlyMap<string, GoodFile>,
): ServicesSnapshot {
  return resolveFiles(files, lastGood).snapshot
}

/** The same result, with an index of the services in force. */
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
  // A new file that loses falls back to its last good version, which then takes precedence over other new files.
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

/** The problems of a file by itself, whatever the other files contain. */
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
    const put = (one: GoodFile, stays: boolean) =>
      all.push({ content: one, specs: one.parsed.specs, before: before?.parsed.specs ?? [], stays })
    if (held.has(file)) {
      if (before) put(before, true)
    } else if ('text' in content) put(content, before?.text === content.text)
  }
  return inOrderOfClaims(all)
}

function accept(all: readonly Candidate[]) {
  const index = createConflictIndex()
  const accepted: GoodFile[] = []
  const rejected = new Map<string, Conflict[]>()
  for (const { content, specs } of all) {
    const conflicts: Conflict[] = []
    const added: ServiceSpec[] = []
    for (const spec of specs) {
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

/** `files`: those in force, sorted by name. Values that only some readers need are made when they are read. */
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
