import { createHash } from 'node:crypto'
import type { SourceDocument } from '../../shared/config/parse.ts'
import type { RegistrationRequest } from '../../shared/rpc/gen/crossport/v1/RegistrationRequest.ts'
import type { Offer } from '../intake/types.ts'

/** Makes the offer to agents; returns undefined when it has not changed. Each document is hashed once. */
export function createOffers(): (
  request: RegistrationRequest,
  documents: readonly SourceDocument[],
) => Offer | undefined {
  const hashes = new WeakMap<SourceDocument, bigint>()
  let said = ''
  let last: readonly SourceDocument[] | undefined

  const hashOf = (document: SourceDocument) => {
    let hash = hashes.get(document)
    if (hash === undefined) {
      const { file, line, text } = document
      hash = createHash('sha256')
        .update(JSON.stringify([file, line, text]))
        .digest()
        .readBigUInt64BE()
      hashes.set(document, hash)
    }
    return hash
  }

  return (request, documents) => {
    const saying = JSON.stringify(request)
    if (saying === said && documents === last) return undefined
    said = saying
    last = documents
    // The sum does not depend on the order, but each document includes its place.
    const sum = documents.reduce((total, document) => total + hashOf(document), 0n)
    const revision = BigInt.asUintN(64, sum).toString(16).padStart(16, '0')
    return { request, documents, revision }
  }
}
