import { keepChunk } from '../chunks.ts'
import { malformed } from './xdr.ts'

/** VIR_NET_MESSAGE_MAX of libvirt's src/rpc/virnetprotocol.x; the length field is included. */
export const MESSAGE_MAX = 33_554_432
/** Length field and header. */
export const MESSAGE_MIN = 28

export interface Framer {
  /** Takes bytes as they arrive; returns the messages that they complete, with the length field. Throws LIBVIRT_PROTOCOL. */
  push(chunk: Buffer): Buffer[]
}

/** Cuts the byte stream into messages. Knows no socket. */
export function createFramer(max = MESSAGE_MAX): Framer {
  let chunks: Buffer[] = []
  let size = 0

  const collect = (length: number): Buffer => {
    const first = chunks[0]
    if (first === undefined || first.length < length) chunks = [Buffer.concat(chunks, size)]
    return chunks[0] as Buffer
  }

  return {
    push(chunk) {
      if (chunk.length === 0) return []
      keepChunk(chunks, chunk)
      size += chunk.length
      const messages: Buffer[] = []
      while (size >= 4) {
        const length = collect(4).readUInt32BE(0)
        if (length < MESSAGE_MIN || length > max) throw malformed(`message of ${length} bytes`)
        // Chunks of an incomplete message stay separate, so that a large one is copied only once.
        if (size < length) break
        const all = collect(length)
        messages.push(all.subarray(0, length))
        chunks = all.length > length ? [all.subarray(length), ...chunks.slice(1)] : chunks.slice(1)
        size -= length
      }
      return messages
    },
  }
}
