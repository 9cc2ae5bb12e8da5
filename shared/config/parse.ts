import { canonicalCidr } from './address.ts'
import { explain } from './explain.ts'
import { type ServiceDocument, serviceSchema } from './schema.ts'
import type { ServiceSpec, SpecProblem, SpecSource } from './service.ts'
import { type Finding, readYaml, type YamlDocument } from './yaml.ts'

/** A document as it travels from director to host. */
export interface SourceDocument {
  readonly file: string
  readonly line: number
  readonly text: string
}

export interface ParsedFile {
  readonly specs: readonly ServiceSpec[]
  /** Empty when every document is valid. `lastGood` is false here: it is the watcher that knows. */
  readonly problems: readonly SpecProblem[]
  /** The valid documents' own texts, in the order of `specs`. */
  readonly documents: readonly SourceDocument[]
}

/**
 * Parses and validates one service file (YAML or JSON, one or more documents), or one document that a director sent.
 * Never throws: what is wrong is in `problems`, each with line and column (1-based) in the file.
 */
export function parseServiceFile(
  text: string,
  file: string,
  { origin = 'file', line = 1 }: { origin?: SpecSource['origin']; line?: number } = {},
): ParsedFile {
  const { documents, findings } = readYaml(text, line)
  const specs: ServiceSpec[] = []
  const sources: SourceDocument[] = []
  const problems = findings.map(finding => problem(file, finding))
  for (const document of documents) {
    const result = validate(document)
    if ('value' in result) {
      specs.push(toSpec(result.value, { origin, file, line: document.line }))
      sources.push({ file, line: document.line, text: document.text })
    } else {
      problems.push(...result.findings.map(finding => problem(file, finding, serviceName(document.value))))
    }
  }
  return { specs, problems, documents: sources }
}

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
  ...finding,
  ...(service === undefined ? {} : { service }),
  lastGood: false,
})

const serviceName = (value: unknown): string | undefined => {
  const name = typeof value === 'object' && value !== null && 'service' in value ? value.service : undefined
  return typeof name === 'string' ? name : undefined
}
