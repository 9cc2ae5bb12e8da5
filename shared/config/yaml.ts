import { Composer, type CST, type Document, isScalar, Lexer, LineCounter, Parser } from 'yaml'
import { type Finding, printable } from './findings.ts'
import { finish } from './pieces.ts'
import { plainYaml } from './plain-yaml.ts'
import { strangeCharacter, withoutMark } from './text.ts'
import { createLimits, depthProblem, MAX_BYTES, MAX_DOCUMENT_LENGTH, TOO_DEEP, tooLarge } from './yaml-limits.ts'
import { treeLocator, treeProblems } from './yaml-tree.ts'

/** One YAML document of a text. */
export interface YamlDocument {
  /** Line of its first character in the file. */
  readonly line: number
  /** The document's text, which means the same when it is read alone. */
  readonly text: string
  /** Plain data; undefined when there are `findings`. */
  readonly value: unknown
  readonly findings: readonly Finding[]
  /** Position of the value at `path`, of its key with `key`, or of the nearest existing parent. */
  locate(path: readonly PropertyKey[], key?: boolean): { line: number; column: number }
}

export interface YamlFile {
  readonly documents: readonly YamlDocument[]
  /** What is wrong with the file as a whole. When a bound is exceeded, `documents` holds those before it. */
  readonly findings: readonly Finding[]
}

/** Lexemes that are read before other work gets its turn. */
const LOT = 2000
/** Comes before the lexeme of a scalar, whose text must not be taken for a token (CST.SCALAR). */
const SCALAR = '\x1f'

/** `readYaml` in pieces: yields where other work may run. `maxLength`: of one document. */
export function* readYamlInPieces(
  file: string,
  firstLine = 1,
  maxLength: number = MAX_DOCUMENT_LENGTH,
): Generator<void, YamlFile> {
  const text = withoutMark(file)
  const refused = (reason: string): YamlFile => ({ documents: [], findings: [{ line: firstLine, column: 1, reason }] })
  if (Buffer.byteLength(text) > MAX_BYTES) return refused(tooLarge())
  const strange = strangeCharacter(text)
  if (strange !== undefined) return { documents: [], findings: [{ ...strange, line: strange.line + firstLine - 1 }] }
  const value = text.length > maxLength ? undefined : plainYaml(text)
  if (value === undefined) return yield* parseYamlInPieces(text, firstLine, maxLength)
  // Positions are needed only for an error.
  let whole: YamlDocument | undefined
  const locate: YamlDocument['locate'] = (path, key) =>
    (whole ??= finish(parseYamlInPieces(text, firstLine, maxLength)).documents[0]!).locate(path, key)
  return { documents: [{ line: firstLine, text, value, findings: [], locate }], findings: [] }
}

/**
 * Splits a text into its YAML 1.2 documents; documents without content are left out. Time and memory grow in proportion to the
 * text. `firstLine` is the number of the text's first line in its file, so that findings have the file's own lines.
 */
export const readYaml = (text: string, firstLine = 1): YamlFile => finish(readYamlInPieces(text, firstLine))

/** Reads a text with the full parser only. */
export const parseYaml = (text: string, firstLine = 1): YamlFile =>
  finish(parseYamlInPieces(text, firstLine, MAX_DOCUMENT_LENGTH))

interface Slice {
  readonly begin: number
  end: number | undefined
}

function* parseYamlInPieces(text: string, firstLine: number, maxLength: number): Generator<void, YamlFile> {
  const at = placesOf(text, firstLine)
  const parser = new Parser()
  // treeProblems compares keys, because the composer would compare each with all others.
  const composer = new Composer({ version: '1.2', uniqueKeys: false, stringKeys: true })
  const slices: Slice[] = []
  const documents: YamlDocument[] = []
  const findings: Finding[] = []
  const found = (offset: number, reason: string) => findings.push({ ...at(offset), reason })

  const take = (composed: Iterable<Document.Parsed>) => {
    for (const document of withoutStacks(() => [...composed])) {
      const { begin, end } = slices.shift() ?? { begin: document.range[0], end: undefined }
      const slice = { begin, end: end ?? text.length }
      const made = documentOf(document, text, slice, at)
      if (made !== undefined) documents.push(made)
    }
  }

  /** Start of the comment above a document; it belongs to the document's text. */
  let comment: number | undefined
  const token = (read: CST.Token) => {
    const last = slices.at(-1)
    if (last !== undefined && 'offset' in read && !AFTER_DOCUMENT.has(read.type)) last.end ??= read.offset
    if (read.type === 'directive' && !/^%YAML[ \t]+1\.2[ \t]*$/.test(read.source)) {
      comment = undefined
      found(read.offset, `'${read.source}': files are YAML 1.2, without directives; take this line out`)
      return
    }
    if (read.type === 'document') {
      slices.push({ begin: comment ?? beginOf(read, text), end: undefined })
    }
    if (read.type === 'comment') comment ??= read.offset
    else if (read.type === 'document' || read.type === 'doc-end') comment = undefined
    take(composer.next(read))
  }

  const limits = createLimits(maxLength, found)
  let offset = 0
  let lexemes = 0
  let previous = ''
  for (const lexeme of new Lexer().lex(text)) {
    if (previous !== SCALAR && !limits(lexeme, offset)) return { documents, findings }
    for (const read of parser.next(lexeme)) {
      token(read)
      if (read.type === 'document') yield
    }
    const deep = depthProblem(parser.stack)
    if (deep !== undefined) {
      found(deep, TOO_DEEP)
      return { documents, findings }
    }
    offset = parser.offset
    previous = lexeme
    if (++lexemes % LOT === 0) yield
  }
  if (!limits('', offset)) return { documents, findings }
  for (const read of parser.end()) token(read)
  // The errors of a text without any document are on an extra document at its end.
  take(composer.end(true, text.length))
  return { documents, findings }
}

/** Runs `work` without stack traces: the composer makes an Error of each problem, and nobody reads their stacks. */
function withoutStacks<T>(work: () => T): T {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    return work()
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

/** Tokens after a document that may belong to its text. */
const AFTER_DOCUMENT: ReadonlySet<string> = new Set(['comment', 'newline', 'space', 'error'])

type Locate = (offset: number) => { line: number; column: number }

function placesOf(text: string, firstLine: number): Locate {
  const lines = new LineCounter()
  for (let start = 0; ; ) {
    lines.addNewLine(start)
    const newline = text.indexOf('\n', start)
    if (newline < 0) break
    start = newline + 1
  }
  return offset => {
    const { line, col } = lines.linePos(offset)
    return { line: line + firstLine - 1, column: col }
  }
}

/** Start of the document's own text: after directives and `---`, with the indentation of its first line. */
function beginOf({ start, value, end, offset }: CST.Document, text: string): number {
  const own = start.find(({ type }) => !BEFORE_TEXT.has(type))?.offset ?? value?.offset ?? end?.[0]?.offset ?? offset
  const lineStart = text.lastIndexOf('\n', own - 1) + 1
  return /^ *$/.test(text.slice(lineStart, own)) ? lineStart : own
}

const BEFORE_TEXT: ReadonlySet<string> = new Set(['space', 'newline', 'doc-start', 'byte-order-mark'])

function documentOf(
  document: Document.Parsed,
  text: string,
  { begin, end }: { readonly begin: number; readonly end: number },
  at: Locate,
): YamlDocument | undefined {
  const { errors, warnings, contents } = document
  const findings = [...errors, ...warnings].map(error => ({ ...at(error.pos[0]), reason: syntaxReason(error) }))
  if (findings.length === 0) {
    if (contents === null || (isScalar(contents) && contents.value === null && contents.source === '')) return undefined
    findings.push(...treeProblems(contents).map(({ offset, reason }) => ({ ...at(offset), reason })))
  }
  const locate = treeLocator(contents)
  return {
    line: at(begin).line,
    text: text.slice(begin, end),
    // treeProblems has already limited the aliases.
    value: findings.length > 0 ? undefined : document.toJS({ maxAliasCount: -1 }),
    findings,
    locate: (path, key) => at(locate(path, key)),
  }
}

const syntaxReason = (error: { code: string; message: string }) => {
  if (error.code === 'TAB_AS_INDENT') return 'YAML does not allow a tab for indentation; use spaces'
  if (error.code === 'NON_STRING_KEY') return 'a key must be a word, not a list, a block or something tagged'
  if (error.code === 'TAG_RESOLVE_FAILED') return `${printable(error.message)}: take the tag out`
  return `not valid YAML: ${printable(error.message.split('\n')[0]!)}`
}
