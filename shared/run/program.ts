import { hash } from 'node:crypto'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..', '..')
let known: string | undefined

/**
 * Identity of the installed program: names, sizes and times of its own files. Prepared data of another version must not be used,
 * because that version may have prepared it differently.
 */
export function programIdentity(): string {
  return (known ??= hash('sha1', ['package.json', ...sources()].map(identityOf).join('\n')))
}

function sources(): string[] {
  const folders = ['agent', 'director', 'shared'].filter(folder => existsSync(join(ROOT, folder)))
  return folders.flatMap(folder =>
    (readdirSync(join(ROOT, folder), { recursive: true }) as string[]).sort().map(name => join(folder, name)),
  )
}

function identityOf(file: string): string {
  const { size, mtimeMs } = statSync(join(ROOT, file))
  return `${file} ${size} ${mtimeMs}`
}
