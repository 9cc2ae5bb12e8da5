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
      bytes += piece.documents.reduce((sum, { file, text }) => sum + file.length + text.length, 0)
      if (bytes > LIMITS.documents) return `the director's service files have more than ${LIMITS.documents >> 20} MiB`
      next++
      whole.documents.push(...piece.documents)
      whole.removed.push(...piece.removed)
      if (piece.more) return undefined
      const done = whole
      whole = undefined
      return done
    },
  }
}
