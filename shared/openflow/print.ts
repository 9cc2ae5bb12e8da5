import type { Flow } from './flow-types.ts'
import { writeInstructions } from './instructions.ts'
import { writeMatch } from './oxm.ts'
import { actionsText } from './text.ts'
import { createWriter, pad8, raw, u64 } from './writer.ts'

/**
 * A flow as two fingerprints of 64 bits, each in two signed 32-bit numbers: `key` of its table, priority and match, `content` of
 * the rest (cookie, actions). They are calculated from the bytes on the wire, so that the switch's flows can be compared without
 * being decoded. Equal flows have equal prints; among a hundred thousand different flows, two have the same print with a
 * probability of 1 in 10⁹. `content` is never 0, 0.
 */
export interface Print {
  key0: number
  key1: number
  content0: number
  content1: number
}

export const createPrint = (): Print => ({ key0: 0, key1: 0, content0: 0, content1: 0 })

/** Buffer in which flows are encoded to be fingerprinted, one after the other. */
const scratch = createWriter(4096)

/** Sets `print` to that of a desired flow. Throws OPENFLOW_VALUE_INVALID. */
export const printFlow = (print: Print, { table, priority, cookie, match, actions }: Flow): void => {
  scratch.at = 0
  writeMatch(scratch, match)
  const afterMatch = scratch.at
  u64(scratch, cookie)
  try {
    writeInstructions(scratch, actions)
  } catch {
    // No message can carry this flow, and it is refused when it is sent. Until then its text distinguishes it from others.
    scratch.at = afterMatch + 8
    raw(scratch, Buffer.from(actionsText(actions)))
    pad8(scratch, afterMatch)
  }
  setKey(print, table, priority, scratch.bytes, 0, afterMatch)
  setContent(print, scratch.bytes, afterMatch, afterMatch + 8, scratch.at)
}

/** Sets `print` to that of a flow in an OFPMP_FLOW_DESC reply: its entry at `at`, its match and its instructions. */
export const printEntry = (
  print: Print,
  bytes: Buffer,
  at: number,
  match: { readonly at: number; readonly end: number },
  instructions: { readonly at: number; readonly end: number },
): void => {
  setKey(print, bytes[at + 4]!, bytes.readUInt16BE(at + 6), bytes, match.at, match.end)
  setContent(print, bytes, at + 16, instructions.at, instructions.end)
}

const setKey = (print: Print, table: number, priority: number, bytes: Buffer, at: number, end: number): void => {
  const start = (table << 16) | priority
  print.key0 = finish(hash0(start, bytes, at, end), end - at)
  print.key1 = finish(hash1(start, bytes, at, end), end - at)
}

const setContent = (print: Print, bytes: Buffer, cookie: number, at: number, end: number): void => {
  print.content0 = finish(hash0(hash0(0, bytes, cookie, cookie + 8), bytes, at, end), end - at)
  print.content1 = finish(hash1(hash1(0, bytes, cookie, cookie + 8), bytes, at, end), end - at) | 1
}

/** MurmurHash3 of 32 bits, word by word: all lengths in OpenFlow are multiples of 8 bytes. */
const hash0 = (seed: number, bytes: Buffer, from: number, end: number): number => {
  let h = seed
  for (let at = from; at < end; at += 4) {
    let k = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
    k = Math.imul(k, 0xcc9e2d51)
    k = Math.imul((k << 15) | (k >>> 17), 0x1b873593)
    h ^= k
    h = (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0
  }
  return h
}

/** The same with other constants (those of the 128-bit form), for the other half. */
const hash1 = (seed: number, bytes: Buffer, from: number, end: number): number => {
  let h = seed ^ 0x9747b28c
  for (let at = from; at < end; at += 4) {
    let k = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
    k = Math.imul(k, 0x239b961b)
    k = Math.imul((k << 18) | (k >>> 14), 0xab0e9789)
    h ^= k
    h = (Math.imul((h << 16) | (h >>> 16), 5) + 0x561ccd1b) | 0
  }
  return h
}

const finish = (hash: number, length: number): number => {
  let h = hash ^ length
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}
