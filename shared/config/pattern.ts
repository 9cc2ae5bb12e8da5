import { createRequire } from 'node:module'
import type { RE2JS } from 're2js'

/** States that an expression may have: with so many, 64 KiB of the worst text take less than a second. */
const MOST_STATES = 128

/** Expressions that are kept compiled: one a check. */
const MOST_KEPT = 1024
const compiled = new Map<string, RE2JS>()

/** True when `text` holds the pattern: a plain text, or `/…/`, which is a regular expression. */
export function holds(text: string, pattern: string): boolean {
  const expression = expressionOf(pattern)
  return expression === undefined ? text.includes(pattern) : compile(expression).test(text)
}

/** Why this is no pattern, in words for the operator; undefined: it is one. */
export function patternProblem(pattern: string): string | undefined {
  const expression = expressionOf(pattern)
  if (expression === undefined) return undefined
  try {
    const states = compile(expression).programSize()
    return states > MOST_STATES ? `needs ${states} states, and ${MOST_STATES} are the most: repeat less` : undefined
  } catch (error) {
    return `Invalid regular expression: ${(error as Error).message.replace(/^error parsing regexp: /, '')}`
  }
}

function expressionOf(pattern: string): string | undefined {
  return pattern.length > 2 && pattern.startsWith('/') && pattern.endsWith('/') ? pattern.slice(1, -1) : undefined
}

/**
 * RE2's syntax (github.com/google/re2/wiki/Syntax): its time grows with the text and no more. JavaScript's own expressions
 * go back and forth, and a real server's answer could hold the process up for hours.
 */
function compile(expression: string): RE2JS {
  const known = compiled.get(expression)
  if (known !== undefined) return known
  const made = library().compile(expression)
  if (compiled.size >= MOST_KEPT) compiled.clear()
  compiled.set(expression, made)
  return made
}

/** Loaded when the first expression comes: most checks have none, and a cold start is for a good part the loading of code. */
const library = () => (createRequire(import.meta.url)('re2js') as typeof import('re2js')).RE2JS
