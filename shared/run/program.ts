import { hash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { INSTALLATION } from '../installation.ts'

let known: string | undefined

/**
 * Identity of the installed program: its package.json, which has a hash of the program where a Debian package has brought it, and
 * names, sizes and times of its own files. Prepared data of another version must not be used, because that version may have
 * prepared it differently.
 */
export function programIdentity(): string {
  const description = readFileSync(join(INSTALLATION, 'package.json'), 'utf8')
  return (known ??= hash('sha1', [description, ...sources().map(identityOf)].join('\n')))
}

function sources(): string[] {
  const folders = ['agent', 'director', 'shared'].filter(folder => existsSync(join(INSTALLATION, folder)))
  return folders.flatMap(folder =>
    (readdirSync(join(INSTALLATION, folder), { recursive: true }) as string[]).sort().map(name => join(folder, name)),
  )
}

function identityOf(file: string): string {
  const { size, mtimeMs } = statSync(join(INSTALLATION, file))
  return `${file} ${size} ${mtimeMs}`
}
