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
  let depth = 0
  return (lexeme: string, offset: number): boolean => {
    if (lexeme === '[' || lexeme === '{') depth++
    else if (lexeme === ']' || lexeme === '}') depth = Math.max(0, depth - 1)
    const mark = lexeme === '---' || lexeme === '...' ? lexeme : undefined
    if (depth > MAX_DEPTH) found(offset, TOO_DEEP)
    else if (offset - start > maxLength)
      found(start, `this document is longer than ${maxLength} characters: split it into several services`)
    else if (mark !== undefined && ++marks[mark] > MAX_DOCUMENTS)
      found(offset, `more than ${MAX_DOCUMENTS} documents: write some of them into another file`)
    else {
      if (mark !== undefined) {
        start = offset
        depth = 0
      }
      return true
    }
    return false
  }
}

/** Offset at which a document that is not yet composed is nested too deep. */
export function depthProblem(document: CST.Document): number | undefined {
  const queue: { readonly token: CST.Token | null | undefined; readonly depth: number }[] = []
  queue.push({ token: document.value, depth: 1 })
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    const { token, depth } = next
    if (token?.type !== 'block-map' && token?.type !== 'block-seq' && token?.type !== 'flow-collection') continue
    if (depth > MAX_DEPTH) return token.offset
    for (const { key, value } of token.items)
      queue.push({ token: value, depth: depth + 1 }, { token: key, depth: depth + 1 })
  }
  return undefined
}
