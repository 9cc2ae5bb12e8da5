import { createPrint, type Print } from '../openflow/print.ts'

const WORDS = 4

/** A list of prints in one block of memory that is reused. */
export interface PrintList {
  readonly length: number
  clear(): void
  push(print: Print): void
  /** Appends what `bytes` has returned. */
  pushBytes(bytes: Uint8Array): void
  /** `visit` must not keep the print. */
  each(visit: (print: Print) => void): void
  /** A copy, for storage on this machine. */
  bytes(): Uint8Array
}

export function createPrintList(): PrintList {
  let words = new Int32Array(16 * WORDS)
  let used = 0
  const print = createPrint()

  const reserve = (more: number) => {
    if (used + more <= words.length) return
    const longer = new Int32Array(Math.max(words.length * 2, used + more))
    longer.set(words)
    words = longer
  }

  return {
    get length() {
      return used / WORDS
    },
    clear: () => {
      used = 0
    },
    push: ({ key0, key1, content0, content1 }) => {
      reserve(WORDS)
      words[used] = key0
      words[used + 1] = key1
      words[used + 2] = content0
      words[used + 3] = content1
      used += WORDS
    },
    pushBytes: bytes => {
      const more = bytes.length / 4
      reserve(more)
      new Uint8Array(words.buffer).set(bytes, used * 4)
      used += more
    },
    each: visit => {
      for (let at = 0; at < used; at += WORDS) {
        print.key0 = words[at]!
        print.key1 = words[at + 1]!
        print.content0 = words[at + 2]!
        print.content1 = words[at + 3]!
        visit(print)
      }
    },
    bytes: () => new Uint8Array(words.buffer.slice(0, used * 4)),
  }
}
