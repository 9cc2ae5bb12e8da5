import { CrossportError } from '../errors.ts'

/** Splits a byte stream into whole OpenFlow messages. Uses no socket. */
export interface Framer {
  /**
   * Returns the messages that this chunk completes, header included. They may share memory with the chunk. Throws
   * OPENFLOW_MALFORMED for a length below the header's 8 bytes or above the cap; the stream is unusable then.
   */
  push(chunk: Uint8Array): Buffer[]
}

/** `maxBytes`: the longest allowed message; OpenFlow's own limit is 65535. */
export const createFramer = (maxBytes = 0xffff): Framer => {
  /** Chunks of one unfinished message. They are joined once, when it is complete. */
  let parts: Buffer[] = []
  let held = 0

  const lengthAt = (bytes: Buffer, at: number): number => {
    const length = bytes.readUInt16BE(at + 2)
    if (length >= 8 && length <= maxBytes) return length
    throw new CrossportError(
      'OPENFLOW_MALFORMED',
      `a message of type ${bytes[at + 1]} says that it is ${length} bytes long`,
    )
  }

  const join = (): Buffer => {
    const bytes = parts.length === 1 ? parts[0]! : Buffer.concat(parts, held)
    parts = [bytes]
    return bytes
  }

  return {
    push(chunk) {
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
      const messages: Buffer[] = []
      let at = 0
      const hold = (count: number) => {
        const part = bytes.subarray(at, at + count)
        parts.push(part)
        held += part.length
        at += part.length
      }
      while (at < bytes.length) {
        // Most messages are complete within their chunk and need no copy.
        const length = held === 0 && bytes.length - at >= 8 ? lengthAt(bytes, at) : Number.POSITIVE_INFINITY
        if (at + length <= bytes.length) {
          messages.push(bytes.subarray(at, at + length))
          at += length
          continue
        }
        if (held < 8) hold(8 - held)
        if (held < 8) break
        if (parts[0]!.length < 8) join()
        const wanted = lengthAt(parts[0]!, 0)
        hold(wanted - held)
        if (held < wanted) break
        messages.push(join())
        parts = []
        held = 0
      }
      return messages
    },
  }
}
