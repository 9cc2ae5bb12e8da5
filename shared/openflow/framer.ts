import { CrossportError } from '../errors.ts'

/** Chunks of a byte stream in, whole OpenFlow messages out. Knows no socket. */
export interface Framer {
  /**
   * The messages that this chunk completes, header included. They may share memory with the chunk.
   * Throws OPENFLOW_MALFORMED for a length below the header's 8 bytes or above the cap; the stream is of no use then.
   */
  push(chunk: Uint8Array): Buffer[]
}

/** `maxBytes`: the longest message that is taken; OpenFlow's own limit is 65535. */
export const createFramer = (maxBytes = 0xffff): Framer => {
  /** Chunks of one unfinished message. They are joined once, when it is whole. */
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
      if (chunk.length === 0) return []
      parts.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length))
      held += chunk.length
      if (held < 8) return []
      if (parts[0]!.length < 8) join()
      if (held < lengthAt(parts[0]!, 0)) return []
      const bytes = join()
      const messages: Buffer[] = []
      let at = 0
      while (held - at >= 8) {
        const length = lengthAt(bytes, at)
        if (held - at < length) break
        messages.push(bytes.subarray(at, at + length))
        at += length
      }
      held -= at
      parts = held === 0 ? [] : [bytes.subarray(at)]
      return messages
    },
  }
}
