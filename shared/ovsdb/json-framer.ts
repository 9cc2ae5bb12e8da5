import { keepChunk } from '../chunks.ts'
import { CrossportError } from '../errors.ts'

/**
 * Splits a byte stream into JSON objects. After an error every `push` throws, because the stream has no known boundary any more.
 */
export interface JsonFramer {
  /** Returns every object that these bytes complete, parsed, in order. Throws OVSDB_PROTOCOL. */
  push(chunk: Uint8Array): object[]
}

const OPEN = 0x7b
const CLOSE = 0x7d
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const QUOTE = 0x22
const BACKSLASH = 0x5c

/** Open vSwitch's own bound (lib/json.h, JSON_MAX_HEIGHT). Recursive code may rely on it. */
const MAX_DEPTH = 1000

/**
 * JSON-RPC 1.0 as RFC 7047 section 4 uses it has no framing: objects follow each other, with or without white space. Boundaries
 * are found by counting braces outside of strings, on bytes: UTF-8 never uses these bytes inside a character. `maxBytes` bounds
 * one message, unfinished ones included.
 */
export function createJsonFramer(maxBytes: number): JsonFramer {
  let parts: Uint8Array[] = []
  let held = 0
  let depth = 0
  let arrays = 0
  let inString = false
  let escaped = false
  let failed: CrossportError | undefined

  const fail = (why: string, cause?: unknown): never => {
    parts = []
    failed = new CrossportError('OVSDB_PROTOCOL', `ovsdb peer: ${why}`, { cause })
    throw failed
  }

  const finish = (tail: Uint8Array): object => {
    const bytes = parts.length === 0 ? tail : Buffer.concat([...parts, tail])
    parts = []
    held = 0
    try {
      return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as object
    } catch (cause) {
      return fail('a message that is not JSON', cause)
    }
  }

  const push = (chunk: Uint8Array): object[] => {
    if (failed !== undefined) throw failed
    const messages: object[] = []
    let start = 0
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i]!
      if (inString) {
        if (escaped) escaped = false
        else if (byte === BACKSLASH) escaped = true
        else if (byte === QUOTE) inString = false
      } else if (depth === 0) {
        if (byte === OPEN) {
          start = i
          depth = 1
        } else if (!isWhiteSpace(byte)) fail(`byte 0x${byte.toString(16).padStart(2, '0')} where a message must begin`)
      } else if (byte === QUOTE) {
        inString = true
      } else if (byte === OPEN || byte === OPEN_ARRAY) {
        if (byte === OPEN) depth++
        else arrays++
        if (depth + arrays > MAX_DEPTH) fail(`a message that is nested more than ${MAX_DEPTH} deep`)
      } else if (byte === CLOSE_ARRAY) {
        arrays--
      } else if (byte === CLOSE && --depth === 0) {
        arrays = 0
        if (held + i + 1 - start > maxBytes) fail(`a message over ${maxBytes} bytes`)
        messages.push(finish(chunk.subarray(start, i + 1)))
        start = i + 1
      }
    }
    if (depth > 0) {
      held += chunk.length - start
      if (held > maxBytes) fail(`a message over ${maxBytes} bytes`)
      // Copied, because a socket may reuse its buffer once `push` has returned.
      keepChunk(parts, Uint8Array.prototype.slice.call(chunk, start))
    }
    return messages
  }

  return { push }
}

/** RFC 8259 section 2. */
function isWhiteSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}
