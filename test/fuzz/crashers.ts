import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Inputs that have crashed a decoder, `<target>-<hash>`. Every unit test run tries them. */
const DIRECTORY = join(import.meta.dirname, 'crashers')

/** Returns the file. */
export function saveCrasher(target: string, input: Buffer): string {
  const hash = createHash('sha256').update(input).digest('hex').slice(0, 12)
  const file = join(DIRECTORY, `${target}-${hash}`)
  writeFileSync(file, input)
  return file
}

export function crashersOf(target: string): { readonly file: string; readonly input: Buffer }[] {
  return readdirSync(DIRECTORY)
    .filter(file => file.slice(0, file.lastIndexOf('-')) === target)
    .map(file => ({ file, input: readFileSync(join(DIRECTORY, file)) }))
}
