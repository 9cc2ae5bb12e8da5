import type { DirectorMessage } from '../../shared/rpc/gen/crossport/v1/DirectorMessage.ts'
import type { RegistrationDefinition } from '../../shared/rpc/gen/crossport/v1/Registration.ts'
import type { ServiceDocument } from '../../shared/rpc/gen/crossport/v1/ServiceDocument.ts'
import type { ServiceDocuments } from '../../shared/rpc/gen/crossport/v1/ServiceDocuments.ts'
import { LIMITS } from '../../shared/rpc/limits.ts'

/** What a document, or a place, takes around its texts. */
const AROUND = 32

const bytesOf = ({ file = '', text = '' }: ServiceDocument) => Buffer.byteLength(file) + Buffer.byteLength(text)

/** Of all of them together. */
export function documentBytes(documents: readonly ServiceDocument[]): number {
  return documents.reduce((sum, document) => sum + bytesOf(document), 0)
}

/** Documents as they are sent: one message where they fit into one, and else pieces that count when the last has come. */
export function documentPieces(
  { documents = [], removed = [], revision = '', base }: ServiceDocuments,
  most: number = LIMITS.piece,
): readonly DirectorMessage[] {
  const pieces: { documents: typeof documents; removed: typeof removed }[] = [{ documents: [], removed: [] }]
  let room = most
  const pieceFor = (bytes: number) => {
    if (bytes > room && room < most) {
      pieces.push({ documents: [], removed: [] })
      room = most
    }
    room -= bytes
    return pieces.at(-1)!
  }
  for (const place of removed) pieceFor(Buffer.byteLength(place.file ?? '') + AROUND).removed.push(place)
  for (const document of documents) pieceFor(bytesOf(document) + AROUND).documents.push(document)
  const last = pieces.length - 1
  return pieces.map((part, piece) => ({
    services: { ...part, revision, ...(base === undefined ? {} : { base }), piece, more: piece < last },
  }))
}

/** A fleet that dials in is told the same, and what it is told is long: it is serialized for the first of it. */
export function serializedOnce({ Attach, ...others }: RegistrationDefinition): RegistrationDefinition {
  const known = new WeakMap<DirectorMessage, Buffer>()
  const responseSerialize = (message: DirectorMessage) => {
    const bytes = known.get(message) ?? Attach.responseSerialize(message)
    known.set(message, bytes)
    return bytes
  }
  return { ...others, Attach: { ...Attach, responseSerialize } }
}
