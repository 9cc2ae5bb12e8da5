import { createRequire } from 'node:module'
import type { RE2JS } from 're2js'

/** Most states of an expression. With so many, even the worst text of 64 KiB takes less than a second. */
const MOST_STATES = 128

/** Most expressions that are kept compiled. Each check has one at most. */
const MOST_KEPT = 1024
const compiled = new Map<string, RE2JS>()

/** True when `text` contains the pattern. A pattern in slashes is a regular expression; any other is plain text. */
export function holds(text: string, pattern: string): boolean {
  const expression = expressionOf(pattern)
  return expression === undefined ? text.includes(pattern) : compile(expression).test(text)
}

/** Tells the operator why the pattern is not valid; undefined: it is valid. */
export function patternProblem(pattern: string): string | undefined {
  const expression = expressionOf(pattern)
  if (expression === undefined) return undefined
  try {
    const states = compile(expression).programSize()
    return states > MOST_STATES
      ? `the expression needs ${states} states, but at most ${MOST_STATES} are allowed: repeat less`
      : undefined
  } catch (error) {
    return `Invalid regular expression: ${(error as Error).message.replace(/^error parsing regexp: /, '')}`
  }
}

function expressionOf(pattern: string): string | undefined {
  return pattern.length > 2 && pattern.startsWith('/') && pattern.endsWith('/') ? pattern.slice(1, -1) : undefined
}

/**
 * Compiles an expression in RE2's syntax (github.com/google/re2/wiki/Syntax). RE2 needs time in proportion to the text.
 * JavaScript's own expressions backtrack, so a real server's answer could keep the process busy for hours.
 */
function compile(expression: string): RE2JS {
  const known = compiled.get(expression)
  if (known !== undefined) return known
  const made = library().compile(expression)
  if (compiled.size >= MOST_KEPT) compiled.clear()
  compiled.set(expression, made)
  return made
}

/** The library is loaded for the first expression, because most checks have none, and loading code makes up much of a cold start. */
const library = () => (createRequire(import.meta.url)('re2js') as typeof import('re2js')).RE2JS
