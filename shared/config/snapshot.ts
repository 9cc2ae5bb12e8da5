import { type Conflict, conflictProblem, createConflictIndex } from './conflicts.ts'
import type { ParsedFile, SourceDocument } from './parse.ts'
import type { ServiceSpec, SpecProblem } from './service.ts'

/** What the directory says, and what of it is in force. */
export interface ServicesSnapshot {
  /** False until the directory has been read once. */
  readonly synced: boolean
  /** In force, by file and line. */
  readonly specs: readonly ServiceSpec[]
  /** Not in force. */
  readonly problems: readonly SpecProblem[]
  /** The texts in force, one a document, for sending on. */
  readonly documents: readonly SourceDocument[]
  /** File → its text in force: hand it back as `lastGood` after a restart. */
  readonly texts: ReadonlyMap<string, string>
}

/** One file as it was read: its parsed text, or why there is none. */
export type FileContent = { readonly text: string; readonly parsed: ParsedFile } | { readonly unreadable: string }

interface Candidate {
  readonly file: string
  readonly text: string
  readonly parsed: ParsedFile
  /** Already in force: a newcomer that conflicts with it loses. */
  readonly incumbent: boolean
}

/**
 * Decides which version of each file is in force. A file is one unit: if anything in it is wrong, or conflicts with what is
 * already in force, its last good version stays. Of two new files in conflict the first by name wins. Pure.
 *
 * @param files what is in the directory now; files that are gone are not in it, and neither are their services
 * @param lastGood file → text and parse of the version in force before
 */
export function resolveSnapshot(
  files: ReadonlyMap<string, FileContent>,
  lastGood: ReadonlyMap<string, { text: string; parsed: ParsedFile }>,
): ServicesSnapshot {
  const problems: SpecProblem[] = []
  const held = new Set<string>()
  for (const [file, content] of files) {
    if ('unreadable' in content) {
      problems.push({ file, line: 1, column: 1, reason: content.unreadable, lastGood: lastGood.has(file) })
    } else if (content.parsed.problems.length > 0) {
      problems.push(...content.parsed.problems.map(problem => ({ ...problem, lastGood: lastGood.has(file) })))
    } else continue
    held.add(file)
  }
  // A newcomer that loses falls back to its last good version, which is then an incumbent: others may lose to it.
  for (;;) {
    const { accepted, rejected } = accept(candidates(files, lastGood, held))
    const back = [...rejected.keys()].filter(file => lastGood.has(file) && !held.has(file))
    if (back.length === 0)
      return snapshot(accepted, [...problems, ...conflictProblems(rejected, files, lastGood, held)])
    for (const file of back) {
      held.add(file)
      problems.push(...(rejected.get(file) ?? []).map(conflict => conflictProblem(conflict, true)))
    }
  }
}

function candidates(
  files: ReadonlyMap<string, FileContent>,
  lastGood: ReadonlyMap<string, { text: string; parsed: ParsedFile }>,
  held: ReadonlySet<string>,
): Candidate[] {
  const all: Candidate[] = []
  for (const file of [...files.keys()].sort()) {
    const content = files.get(file)!
    const before = lastGood.get(file)
    if (held.has(file)) {
      if (before) all.push({ file, ...before, incumbent: true })
    } else if ('text' in content) {
      all.push({ file, ...content, incumbent: before?.text === content.text })
    }
  }
  return all.sort((a, b) => Number(b.incumbent) - Number(a.incumbent))
}

function accept(all: readonly Candidate[]) {
  const index = createConflictIndex()
  const accepted: Candidate[] = []
  const rejected = new Map<string, Conflict[]>()
  for (const candidate of all) {
    const own = createConflictIndex()
    const conflicts: Conflict[] = []
    for (const spec of candidate.parsed.specs) {
      const conflict = own.check(spec) ?? index.check(spec)
      if (conflict) conflicts.push(conflict)
      else own.add(spec)
    }
    if (conflicts.length > 0) {
      rejected.set(candidate.file, conflicts)
      continue
    }
    for (const spec of candidate.parsed.specs) index.add(spec)
    accepted.push(candidate)
  }
  return { accepted, rejected }
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

function snapshot(accepted: readonly Candidate[], problems: readonly SpecProblem[]): ServicesSnapshot {
  const inOrder = [...accepted].sort((a, b) => (a.file < b.file ? -1 : 1))
  return {
    synced: true,
    specs: inOrder.flatMap(({ parsed }) => parsed.specs),
    documents: inOrder.flatMap(({ parsed }) => parsed.documents),
    problems: [...problems].sort((a, b) => (a.file < b.file ? -1 : Number(a.file > b.file)) || a.line - b.line),
    texts: new Map(inOrder.map(({ file, text }) => [file, text])),
  }
}
