import type { CST } from 'yaml'

/** Bounds of a file, to limit time and memory, because a file is read at once. A service has some hundred bytes. */
export const MAX_BYTES = 1 << 20
export const MAX_DOCUMENTS = 5000
/** Length of one document with its comments: it is composed in one piece, and other work waits meanwhile. */
export const MAX_DOCUMENT_LENGTH = 128 << 10
/** Deepest nesting; a service needs four levels. The parser recurses once per level. */
export const MAX_DEPTH = 32

export const TOO_DEEP = `nested deeper than ${MAX_DEPTH} levels, which no service needs; is a bracket not closed, or a dash too many?`
export const tooLarge = () => `larger than ${MAX_BYTES} bytes: write its services into several files`

/** Called before each lexeme is parsed; returns false when a bound is exceeded. */
export function createLimits(maxLength: number, found: (offset: number, reason: string) => void) {
  let start = 0
  const marks = { '---': 0, '...': 0 }
  return (lexeme: string, offset: number): boolean => {
    const mark = lexeme === '---' || lexeme === '...' ? lexeme : undefined
    if (offset - start > maxLength)
      found(start, `this document is longer than ${maxLength} characters: split it into several services`)
    else if (mark !== undefined && ++marks[mark] > MAX_DOCUMENTS)
      found(offset, `more than ${MAX_DOCUMENTS} documents: write some of them into another file`)
    else {
      if (mark !== undefined) start = offset
      return true
    }
    return false
  }
}

/** Offset of the innermost collection that is being read, when it is nested too deep. `open`: what the parser has not finished yet. */
export function depthProblem(open: readonly CST.Token[]): number | undefined {
  if (open.length <= MAX_DEPTH) return undefined
  const collections = open.filter(({ type }) => COLLECTIONS.has(type))
  if (collections.length <= MAX_DEPTH) return undefined
  const innermost = collections.at(-1)!
  return 'offset' in innermost ? innermost.offset : 0
}

const COLLECTIONS: ReadonlySet<string> = new Set(['block-map', 'block-seq', 'flow-collection'])
