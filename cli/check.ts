import { stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { readServiceDirectory, readServiceFile } from '../shared/config/read-directory.ts'
import { type FileContent, resolveSnapshot } from '../shared/config/snapshot.ts'
import { EXIT, type Io } from './exit.ts'

/**
 * `crossport check`: what a daemon would say of these files if they were all in its directory.
 * Directories stand for the service files in them; a file that is named is checked whatever its name.
 */
export async function checkFiles(paths: readonly string[], io: Io): Promise<number> {
  const files = new Map<string, FileContent>()
  for (const path of paths) await collect(path, files)
  const { specs, problems } = resolveSnapshot(files, new Map())
  for (const { file, line, column, reason } of problems) io.err(`${file}:${line}:${column}: ${reason}\n`)
  const bad = new Set(problems.map(({ file }) => file)).size
  if (bad > 0) {
    io.err(`${bad} of ${count(files.size, 'file')} would be rejected\n`)
    return EXIT.notInForce
  }
  io.out(`${count(files.size, 'file')} in order, ${count(specs.length, 'service')}\n`)
  return EXIT.ok
}

async function collect(path: string, files: Map<string, FileContent>): Promise<void> {
  const info = await stat(path).catch(() => undefined)
  if (!info?.isDirectory()) {
    const read = readServiceFile(path)
    files.set(path, read?.content ?? { unreadable: `is not there (looked in ${dirname(resolve(path))})` })
    return
  }
  const { files: found } = await readServiceDirectory(path, new Map())
  for (const [file, { content }] of found) files.set(file, content)
}

const count = (n: number, noun: string) => `${n} ${noun}${n === 1 ? '' : 's'}`
