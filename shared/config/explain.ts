import type { z } from 'zod'
import { type Finding, MAX_FINDINGS } from './findings.ts'
import type { YamlDocument } from './yaml.ts'

/**
 * Turns a schema's issues into sentences with positions, in the order of the file. Sentences beyond the last that is shown are
 * empty.
 */
export function explain(error: z.ZodError, document: YamlDocument, schema: z.ZodType): Finding[] {
  return error.issues
    .flatMap(issue => explainIssue(issue, document, schema))
    .sort((a, b) => a.line - b.line || a.column - b.column)
    .map(({ line, column, reason }, i) => ({ line, column, reason: i < MAX_FINDINGS ? reason() : '' }))
}

/** A finding whose sentence is made only when it is needed. */
interface Unexplained {
  readonly line: number
  readonly column: number
  readonly reason: () => string
}

function explainIssue(issue: z.core.$ZodIssue, document: YamlDocument, schema: z.ZodType): Unexplained[] {
  const { path } = issue
  if (issue.code === 'invalid_union') {
    const inner = bestBranch(issue.errors).map(each => ({ ...each, path: [...path, ...each.path] }))
    return inner.flatMap(each => explainIssue(each, document, schema))
  }
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(schema, path)
    return issue.keys.map(key => ({
      ...document.locate([...path, key], true),
      reason: () => `unknown key '${dotted([...path, key])}'${suggestion(key, known)}`,
    }))
  }
  const value = valueAt(document.value, path)
  const missing = value === undefined && path.length > 0
  const subject = path.length === 0 ? '' : `${dotted(path)}: `
  return [
    {
      ...document.locate(path),
      reason: () => (missing ? `'${dotted(path)}' is missing` : subject + sentence(issue, value)),
    },
  ]
}

/** The branch of a union that fits best: the one that does not already fail on the kind of value. */
const bestBranch = (branches: readonly (readonly z.core.$ZodIssue[])[]): readonly z.core.$ZodIssue[] =>
  branches.find(issues => !issues.some(each => each.code === 'invalid_type' && each.path.length === 0)) ??
  branches[0] ??
  []

function sentence(issue: z.core.$ZodIssue, value: unknown): string {
  switch (issue.code) {
    case 'invalid_type': {
      const wanted = KINDS[issue.expected] ?? issue.expected
      const unquote = issue.expected === 'number' && typeof value === 'string' && /^\d+$/.test(value)
      return `must be ${wanted}, not ${shown(value)}${unquote ? '; write it without quotes' : ''}`
    }
    case 'invalid_value': {
      const values = issue.values.map(String)
      return `${shown(value)} is not one of ${values.join(', ')}${suggestion(String(value), values)}`
    }
    case 'too_small':
      if (issue.origin === 'array') return 'must have at least one entry'
      return issue.origin === 'string' ? 'must not be empty' : `must be at least ${issue.minimum}, not ${shown(value)}`
    case 'too_big':
      if (issue.origin === 'array' || issue.origin === 'string') return `must not be longer than ${issue.maximum}`
      return `must be at most ${issue.maximum}, not ${shown(value)}`
    case 'custom':
      return issue.message
    default:
      return `${shown(value)}: ${issue.message}`
  }
}

const KINDS: Readonly<Record<string, string>> = {
  object: 'a block of keys',
  record: 'a block of keys',
  array: 'a list',
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
}

/** ` (did you mean 'x'?)` for the nearest candidate within two edits, or nothing. */
export function suggestion(word: string, candidates: readonly string[]): string {
  const near = candidates
    .filter(candidate => Math.abs(candidate.length - word.length) <= 2)
    .map(candidate => ({ candidate, edits: distance(word.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ candidate, edits }) => edits <= Math.min(2, Math.floor(candidate.length / 2)))
    .sort((a, b) => a.edits - b.edits)[0]
  return near ? ` (did you mean '${near.candidate}'?)` : ''
}

/** Levenshtein distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[b.length]!
}

/** The path as operators write it: `realServers[1].port`. */
export const dotted = (path: readonly PropertyKey[]): string =>
  path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`
    return text === '' ? String(part) : `${text}.${String(part)}`
  }, '')

const valueAt = (value: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>(
    (inner, part) =>
      typeof inner === 'object' && inner !== null ? (inner as Record<PropertyKey, unknown>)[part] : undefined,
    value,
  )

const shown = (value: unknown) => {
  if (typeof value === 'string') return `'${value.slice(0, 60)}'`
  if (Array.isArray(value)) return 'a list'
  if (value === null) return 'empty'
  return typeof value === 'object' ? 'a block of keys' : String(value)
}

/** Keys that the schema allows at `path`, for suggestions. Unwraps defaults, optionals and lists. */
function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let inner = unwrap(schema)
  for (const part of path) {
    const next = typeof part === 'number' ? inner?.element : inner?.shape?.[String(part)]
    inner = next && unwrap(next)
  }
  return Object.keys(inner?.shape ?? {})
}

interface SchemaParts {
  readonly shape?: Readonly<Record<string, z.ZodType>>
  readonly element?: z.ZodType
}

function unwrap(schema: z.ZodType): (z.ZodType & SchemaParts) | undefined {
  let inner: z.ZodType & SchemaParts & { def?: { innerType?: z.ZodType; in?: z.ZodType } } = schema
  while (inner.def?.innerType ?? inner.def?.in) inner = (inner.def?.innerType ?? inner.def?.in)!
  return inner
}
