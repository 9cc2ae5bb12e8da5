import { type Document, isMap, isNode, isScalar, LineCounter, parseAllDocuments, type Range } from 'yaml'
import { plainYaml } from './plain-yaml.ts'

/** A place in a file, 1-based, with what is wrong there. */
export interface Finding {
  readonly line: number
  readonly column: number
  readonly reason: string
}

/** One YAML document of a text. */
export interface YamlDocument {
  /** Line of its first character in the file. */
  readonly line: number
  readonly text: string
  /** Plain data; undefined when there are `findings`. */
  readonly value: unknown
  /** Syntax errors. */
  readonly findings: readonly Finding[]
  /** Position of the value at `path`, of the key itself with `key`, or of the nearest parent that is there. */
  locate(path: readonly PropertyKey[], key?: boolean): { line: number; column: number }
}

/** Larger files are refused: a service file has a few hundred bytes, and the parser reads all of it at once. */
export const MAX_BYTES = 1 << 20

/**
 * Splits a text into its YAML 1.2 documents; documents without content are left out.
 * `firstLine` is the number of the text's first line in its file, so that findings name the file's own lines.
 */
export function readYaml(text: string, firstLine = 1): { documents: YamlDocument[]; findings: Finding[] } {
  if (Buffer.byteLength(text) > MAX_BYTES) {
    return { documents: [], findings: [{ line: firstLine, column: 1, reason: `larger than ${MAX_BYTES} bytes` }] }
  }
  const value = plainYaml(text)
  if (value === undefined) return parseYaml(text, firstLine)
  // Places are asked for when something is wrong.
  const locate: YamlDocument['locate'] = (path, key) => parseYaml(text, firstLine).documents[0]!.locate(path, key)
  return { documents: [{ line: firstLine, text, value, findings: [], locate }], findings: [] }
}

/** The same by the whole parser. */
export function parseYaml(text: string, firstLine = 1): { documents: YamlDocument[]; findings: Finding[] } {
  const lineCounter = new LineCounter()
  const at = (offset: number) => {
    const { line, col } = lineCounter.linePos(offset)
    return { line: line + firstLine - 1, column: col }
  }
  const parsed = parseAllDocuments(text, { lineCounter, prettyErrors: false, version: '1.2' })
  const documents: YamlDocument[] = []
  let start = 0
  for (const document of Array.isArray(parsed) ? parsed : []) {
    const end = document.range[2]
    const begin = start
    start = end
    const findings = document.errors.map(error => ({ ...at(error.pos[0]), reason: syntaxReason(error) }))
    if (isEmpty(document) && findings.length === 0) continue
    const first = begin + (/^(?:\s*(?:---|\.\.\.)?[ \t]*\r?\n)*/.exec(text.slice(begin, end))?.[0].length ?? 0)
    const entry = { line: at(first).line, text: text.slice(first, end) }
    documents.push({ ...entry, ...plainValue(document, findings, at), locate: locator(document, at) })
  }
  return { documents, findings: [] }
}

const isEmpty = ({ contents }: Document.Parsed) => contents === null || (isScalar(contents) && contents.value === null)

function plainValue(document: Document.Parsed, findings: Finding[], at: Locate) {
  if (findings.length > 0) return { value: undefined, findings }
  try {
    return { value: document.toJS({ maxAliasCount: 100 }), findings }
  } catch (cause) {
    // An alias bomb or an unresolved alias: the only things that are found this late.
    const reason = cause instanceof Error ? cause.message : String(cause)
    return { value: undefined, findings: [{ ...at(document.contents?.range[0] ?? 0), reason }] }
  }
}

type Locate = (offset: number) => { line: number; column: number }

const locator =
  (document: Document.Parsed, at: Locate): YamlDocument['locate'] =>
  (path, key = false) => {
    for (let depth = path.length; depth > 0; depth--) {
      const parent: unknown = document.getIn(path.slice(0, depth - 1), true)
      const last = path[depth - 1]
      if (key && depth === path.length && isMap(parent)) {
        const pair = parent.items.find(item => isScalar(item.key) && item.key.value === last)
        const range = isNode(pair?.key) ? pair.key.range : undefined
        if (range) return at(range[0])
      }
      const range = rangeOf(document.getIn(path.slice(0, depth), true))
      if (range) return at(range[0])
    }
    return at(rangeOf(document.contents)?.[0] ?? 0)
  }

const rangeOf = (node: unknown): Range | undefined => (isNode(node) ? (node.range ?? undefined) : undefined)

const syntaxReason = (error: { code: string; message: string }) => {
  if (error.code === 'DUPLICATE_KEY') return 'this key is already there in the same block; keep one of the two'
  if (error.code === 'TAB_AS_INDENT') return 'YAML does not allow a tab for indentation; use spaces'
  return `not valid YAML: ${error.message.split('\n')[0]}`
}
