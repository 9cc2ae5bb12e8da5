import { CrossportError, ERRORS } from '../errors.ts'
import type { LogFields } from '../log.ts'

/**
 * The readable text of one message: message, error with its causes, fields, and hint. `files matched: SPEC_INVALID … service=web
 * vm=web-1`. Control characters are escaped, because texts may come from guests and files.
 */
export function messageText(message: string, fields: LogFields): string {
  const { err, ...rest } = fields
  const words = [escapeControl(message)]
  if (err !== undefined) words[0] += `: ${escapeControl(errorText(err))}`
  const shown = { ...rest, ...(err instanceof CrossportError ? { ...err.fields, code: err.code } : {}) }
  for (const [name, value] of Object.entries(shown)) {
    if (value !== undefined) words.push(`${name}=${quoted(valueText(value))}`)
  }
  const hint = hintOf(err)
  return hint === undefined ? words.join(' ') : `${words.join(' ')} (${hint})`
}

/** An error and its causes, outermost first, joined by `: `; a cause whose text is already in it is left out. */
export function errorText(err: unknown): string {
  const texts: string[] = []
  const seen = new Set<unknown>()
  for (let next: unknown = err; next !== undefined && next !== null && !seen.has(next); ) {
    seen.add(next)
    const text = next instanceof Error ? next.message || next.name : valueText(next)
    if (!texts.some(earlier => earlier.includes(text))) texts.push(text)
    next = next instanceof AggregateError ? next.errors[0] : next instanceof Error ? next.cause : undefined
  }
  return texts.join(': ')
}

/** The hint of the outermost catalogued error. */
export function hintOf(err: unknown): string | undefined {
  const known = catalogued(err)
  return known && ERRORS[known.code].hint
}

/** The outermost error of the cause chain that is in the catalogue. */
export function catalogued(err: unknown): CrossportError | undefined {
  for (let next = err, depth = 0; next instanceof Error && depth < 16; next = next.cause, depth++) {
    if (next instanceof CrossportError) return next
  }
  return undefined
}

/** A field's value as one line: the text of an error, JSON of an object. */
export function valueText(value: unknown): string {
  if (typeof value === 'string') return value
  if (value instanceof Error) return errorText(value)
  if (typeof value !== 'object' || value === null) return String(value)
  try {
    return JSON.stringify(value, (_, inner) => (typeof inner === 'bigint' ? inner.toString() : inner))
  } catch {
    return String(value)
  }
}

/** Writes C0, DEL and C1 controls as `\n` or `\x1b`, so that no logged text can forge a line or control a terminal. */
export function escapeControl(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replace(/[\x00-\x1f\x7f-\x9f]/g, char => {
    if (char === '\n') return '\\n'
    if (char === '\t') return '\\t'
    return `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`
  })
}

const quoted = (text: string) => {
  const safe = escapeControl(text)
  return /^[^\s"=()]+$/.test(safe) ? safe : `"${safe.replaceAll('"', '\\"')}"`
}
