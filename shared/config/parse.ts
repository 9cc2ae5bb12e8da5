import { canonicalCidr } from './address.ts'
import { explain } from './explain.ts'
import { type Finding, oneScreen, printable } from './findings.ts'
import { finish } from './pieces.ts'
import { type ServiceDocument, serviceSchema } from './schema.ts'
import type { ServiceSpec, SpecProblem, SpecSource } from './service.ts'
import { readYamlInPieces, type YamlDocument } from './yaml.ts'
import { MAX_BYTES } from './yaml-limits.ts'

/** A document as it travels from director to host. */
export interface SourceDocument {
  readonly file: string
  readonly line: number
  readonly text: string
}

/** Names a document among all of a directory: the file, and the line at which the document begins. */
export const placeOf = ({ file, line }: Pick<SourceDocument, 'file' | 'line'>): string => `${file}:${line}`

export interface ParsedFile {
  readonly specs: readonly ServiceSpec[]
  /** Empty when every document is valid. `lastGood` is always false here, because only the watcher knows it. */
  readonly problems: readonly SpecProblem[]
  /** The texts of the valid documents, in the order of `specs`. */
  readonly documents: readonly SourceDocument[]
}

/** Where the text comes from. */
interface Origin {
  readonly origin?: SpecSource['origin']
  readonly line?: number
}

/**
 * Parses and validates one service file (YAML or JSON, one or more documents), or one document from a director. Never throws:
 * `problems` holds every error, with its line and column (1-based) in the file.
 */
export const parseServiceFile = (text: string, file: string, origin: Origin = {}): ParsedFile =>
  finish(parseInPieces(text, file, origin))

/** Does the same in pieces: yields where other work may run. */
export function* parseInPieces(
  text: string,
  file: string,
  { origin = 'file', line = 1 }: Origin = {},
): Generator<void, ParsedFile> {
  // A director has checked its documents' length when it read them, and may have added to them since.
  const maxLength = origin === 'director' ? MAX_BYTES : undefined
  const { documents, findings } = yield* readYamlInPieces(text, line, maxLength)
  const specs: ServiceSpec[] = []
  const sources: SourceDocument[] = []
  const problems: SpecProblem[] = []
  for (const document of documents) {
    const result = validate(document)
    if ('value' in result) {
      specs.push(toSpec(result.value, { origin, file, line: document.line }))
      sources.push({ file, line: document.line, text: document.text })
    } else {
      for (const finding of result.findings) problems.push(problem(file, finding, serviceName(document.value)))
    }
    yield
  }
  for (const finding of findings) problems.push(problem(file, finding))
  problems.sort((a, b) => a.line - b.line || a.column - b.column)
  return { specs, problems: oneScreen(problems), documents: sources }
}

/** The result for a file that is not text. */
export const notText = (file: string, finding: Finding): ParsedFile => ({
  specs: [],
  problems: [problem(file, finding)],
  documents: [],
})

function validate(document: YamlDocument): { value: ServiceDocument } | { findings: readonly Finding[] } {
  if (document.findings.length > 0) return { findings: document.findings }
  const result = serviceSchema.safeParse(document.value)
  return result.success ? { value: result.data } : { findings: explain(result.error, document, serviceSchema) }
}

function toSpec(value: ServiceDocument, source: SpecSource): ServiceSpec {
  const clients = value.clients.map(text => {
    const result = canonicalCidr(text)
    return 'cidr' in result ? result.cidr : text
  })
  return { ...value, clients, source }
}

const problem = (file: string, finding: Finding, service?: string): SpecProblem => ({
  file,
  line: finding.line,
  column: finding.column,
  reason: printable(finding.reason),
  ...(service === undefined ? {} : { service }),
  lastGood: false,
})

const serviceName = (value: unknown): string | undefined => {
  const name = typeof value === 'object' && value !== null && 'service' in value ? value.service : undefined
  return typeof name === 'string' ? printable(name) : undefined
}
