import { stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { isServiceFile, readServiceDirectory, readServiceFile } from '../../shared/config/read-directory.ts'
import type { ServiceSpec, SpecProblem } from '../../shared/config/service.ts'
import { type FileContent, resolveSnapshot, type ServicesSnapshot } from '../../shared/config/snapshot.ts'
import type { Status__Output } from '../../shared/rpc/gen/crossport/v1/Status.ts'
import { filesInForce } from './in-force.ts'

/** What dropping files into a directory would come to. */
export interface Dropped {
  readonly dir: string
  readonly before: ServicesSnapshot
  readonly after: ServicesSnapshot
  /** The files to be dropped, as the operator named them. */
  readonly files: readonly string[]
  /** What the operator calls a file of the directory. */
  namedAs(file: string): string
  /** Of the files to be dropped, and of others that could not be in force any more. */
  readonly problems: readonly SpecProblem[]
  /** What is wrong in the directory already. */
  readonly standing: readonly SpecProblem[]
  /** Named files that no daemon would read under their name. */
  readonly unread: readonly string[]
  /** Services in force that are no longer in any file: of them only what a status tells is known. */
  readonly partly: ReadonlySet<ServiceSpec>
}

/** The files that the operator has named, by name: directories stand for the service files in them. */
export async function readCandidates(paths: readonly string[]): Promise<ReadonlyMap<string, FileContent>> {
  const files = new Map<string, FileContent>()
  for (const path of paths) {
    const info = await stat(path).catch(() => undefined)
    if (info?.isDirectory()) {
      for (const [file, content] of (await readServiceDirectory(path, new Map())).files) files.set(file, content)
    } else {
      const read = await readServiceFile(path)
      files.set(path, read ?? { unreadable: `is not there (looked in ${dirname(resolve(path))})` })
    }
  }
  return files
}

/**
 * The directory as it is, and with the candidates in it: each takes the place of the file of its name. `statuses` say
 * which versions are in force now, which the files alone do not tell.
 */
export async function drop(
  candidates: ReadonlyMap<string, FileContent>,
  dir: string,
  statuses: readonly Status__Output[],
): Promise<Dropped> {
  const { files: existing } = await readServiceDirectory(dir, new Map())
  const { files: inForce, partly } = filesInForce(existing, statuses)
  const before = resolveSnapshot(existing, inForce)
  const files = new Map(existing)
  const namedAs = new Map<string, string>()
  for (const [path, content] of candidates) {
    const place = join(dir, basename(path))
    const same = existing.get(place)
    // The version that is there already stays the version that is in force.
    files.set(place, same && 'text' in same && 'text' in content && same.text === content.text ? same : content)
    namedAs.set(place, path)
  }
  const named = (file: string) => namedAs.get(file) ?? file
  const good = new Map(before.files.map(content => [content.file, content]))
  const after = resolveSnapshot(files, good)
  const known = new Set(before.problems.map(text))
  return {
    dir,
    before,
    after,
    files: [...candidates.keys()],
    namedAs: named,
    problems: after.problems
      .filter(problem => namedAs.has(problem.file) || candidates.has(problem.file) || !known.has(text(problem)))
      .map(problem => ({ ...problem, file: named(problem.file) })),
    standing: before.problems.filter(problem => !namedAs.has(problem.file)),
    unread: [...candidates.keys()].filter(path => !isServiceFile(path)),
    partly,
  }
}

const text = ({ file, line, column, reason }: SpecProblem) => `${file}:${line}:${column}: ${reason}`
