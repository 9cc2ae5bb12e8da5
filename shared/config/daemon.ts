import { readFileSync } from 'node:fs'
import type { z } from 'zod'
import { CrossportError } from '../errors.ts'
import { explain } from './explain.ts'
import { type Finding, oneScreen, printable } from './findings.ts'
import { decodeText } from './text.ts'
import { readYaml } from './yaml.ts'

/**
 * A daemon's own configuration file: one YAML document, validated by `schema`, defaults filled in.
 * `optional`: a file that is not there counts as an empty one.
 * Throws CONFIG_INVALID with every problem as `file:line:column: reason`; there is no last good version of this file.
 */
export function loadDaemonConfig<S extends z.ZodType>(
  schema: S,
  path: string,
  { optional = false }: { optional?: boolean } = {},
): z.output<S> {
  return parseDaemonConfig(schema, readText(path, optional), path)
}

/** Parses a text that has been read already; `path` is for messages. */
export function parseDaemonConfig<S extends z.ZodType>(schema: S, text: string, path: string): z.output<S> {
  const { documents, findings } = readYaml(text)
  const [document, second] = documents
  const problems: Finding[] = [...findings, ...(document?.findings ?? [])]
  if (second) problems.push({ line: second.line, column: 1, reason: 'only one document is allowed in this file' })
  if (problems.length > 0) throw invalid(path, problems)
  const result = schema.safeParse(document?.value ?? {})
  if (result.success) return result.data
  const empty = { line: 1, text: '', value: {}, findings: [], locate: () => ({ line: 1, column: 1 }) }
  throw invalid(path, explain(result.error, document ?? empty, schema))
}

function readText(path: string, optional: boolean): string {
  let bytes: Buffer
  try {
    bytes = readFileSync(path)
  } catch (cause) {
    if (optional && (cause as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw new CrossportError('CONFIG_INVALID', `${path} cannot be read`, { fields: { file: path }, cause })
  }
  const decoded = decodeText(bytes)
  if ('finding' in decoded) throw invalid(path, [decoded.finding])
  return decoded.text
}

function invalid(path: string, problems: readonly Finding[]): CrossportError {
  const text = oneScreen(problems)
    .map(({ line, column, reason }) => `${path}:${line}:${column}: ${printable(reason)}`)
    .join('; ')
  return new CrossportError('CONFIG_INVALID', text, { fields: { file: path, line: problems[0]?.line ?? 1 } })
}
