import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Inputs that have made new code run, by target: a line of base64 each. The next run begins with them. */
const DIRECTORY = join(import.meta.dirname, 'corpus')
/** What is longer is found again sooner than it is read. */
const MOST_BYTES = 2048

export function keptInputs(target: string): Buffer[] {
  const file = join(DIRECTORY, target)
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'latin1').split('\n').filter(Boolean)
  return lines.map(line => Buffer.from(line, 'base64'))
}

export function keepInputs(target: string, inputs: readonly Buffer[]): void {
  const lines = inputs.filter(({ length }) => length <= MOST_BYTES).map(input => `${input.toString('base64')}\n`)
  mkdirSync(DIRECTORY, { recursive: true })
  writeFileSync(join(DIRECTORY, target), lines.join(''))
}
