import type { ServiceDocuments__Output } from '../../shared/rpc/gen/crossport/v1/ServiceDocuments.ts'
import { LIMITS } from '../../shared/rpc/limits.ts'

/** Puts together what a director has sent in pieces. */
export interface Pieces {
  /** The whole with its last piece; undefined: there is more to come; a text: why the stream is of no use. */
  add(piece: ServiceDocuments__Output): ServiceDocuments__Output | string | undefined
}

export function createPieces(): Pieces {
  let whole: ServiceDocuments__Output | undefined
  let next = 0
  let bytes = 0
  return {
    add: piece => {
      if (piece.piece === 0) {
        whole = { ...piece, documents: [], removed: [] }
        next = 0
        bytes = 0
      }
      if (whole === undefined || piece.piece !== next || piece.revision !== whole.revision)
        return 'the director has sent pieces of service files that do not belong together'
      bytes += sizeOf(piece)
      if (bytes > LIMITS.documents) return `the director's service files have more than ${LIMITS.documents >> 20} MiB`
      next++
      // Not spread into a call: a hostile director's piece may have more of them than the stack takes.
      for (const document of piece.documents) whole.documents.push(document)
      for (const place of piece.removed) whole.removed.push(place)
      if (piece.more) return undefined
      const done = whole
      whole = undefined
      return done
    },
  }
}

/** Each has its place in memory, too, however short it is. */
const AROUND = 32

function sizeOf({ documents, removed }: ServiceDocuments__Output): number {
  let bytes = AROUND * (documents.length + removed.length)
  for (const { file, text } of documents) bytes += Buffer.byteLength(file) + Buffer.byteLength(text)
  return bytes
}
