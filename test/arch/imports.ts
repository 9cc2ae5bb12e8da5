import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** One import: a file of the repository, relative to its root, or a package or node module by its specifier. */
export interface Import {
  readonly target: string
  readonly local: boolean
  /** The import is erased before the program runs. */
  readonly typeOnly: boolean
}

/** The imports of every source file under the given top-level folders, without generated code. */
export type ImportGraph = ReadonlyMap<string, readonly Import[]>

export function readImports(folders: readonly string[]): ImportGraph {
  const files = folders.flatMap(folder =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .map(name => join(folder, name))
      .filter(name => name.endsWith('.ts') && !name.includes('/gen/')),
  )
  return new Map(files.sort().map(file => [file, importsOf(readFileSync(join(ROOT, file), 'utf8'), file)]))
}

// Static imports and re-exports; `import(…)` and `createRequire(…)(…)` with a literal.
const STATIC = /^(?:import|export)\s+(type\s)?[^'";]*?from\s+'([^']+)'|^import\s+'([^']+)'/gm
const DYNAMIC = /\b(?:import|require|createRequire\([^)]*\))\('([^']+)'\)/g

export function importsOf(text: string, file: string): Import[] {
  // `typeof import('x')` is a type, and is erased.
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/typeof import\('[^']+'\)/g, 'unknown')
  const found: Import[] = []
  for (const [, type, from, bare] of code.matchAll(STATIC)) found.push(resolve(from ?? bare ?? '', file, Boolean(type)))
  for (const [, from] of code.matchAll(DYNAMIC)) found.push(resolve(from ?? '', file, false))
  return found
}

function resolve(specifier: string, file: string, typeOnly: boolean): Import {
  const local = specifier.startsWith('.')
  return { target: local ? normalize(join(dirname(file), specifier)) : specifier, local, typeOnly }
}

/** Everything that is loaded with `file`, as paths from it: `a.ts → b.ts → node:fs`. */
export function* loadedWith(
  graph: ImportGraph,
  file: string,
): Generator<{ target: string; local: boolean; path: string[] }> {
  const seen = new Set([file])
  const queue = [{ file, path: [file] }]
  for (const { file: from, path } of queue) {
    for (const { target, local, typeOnly } of graph.get(from) ?? []) {
      if (typeOnly || seen.has(target)) continue
      seen.add(target)
      const next = [...path, target]
      yield { target, local, path: next }
      if (local) queue.push({ file: target, path: next })
    }
  }
}

/** Import cycles, types included: each as the files on it. */
export function cycles(graph: ImportGraph): string[][] {
  const found: string[][] = []
  const done = new Set<string>()
  const visit = (file: string, path: string[]) => {
    const start = path.indexOf(file)
    if (start >= 0) return void found.push([...path.slice(start), file])
    if (done.has(file)) return
    for (const { target, local } of graph.get(file) ?? []) if (local) visit(target, [...path, file])
    done.add(file)
  }
  for (const file of graph.keys()) visit(file, [])
  return found
}
