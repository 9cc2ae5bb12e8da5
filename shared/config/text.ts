import { isUtf8 } from 'node:buffer'
import { codePoint, type Finding } from './findings.ts'

/** Every character that YAML 1.2.2 does not allow in a file (5.1, c-printable). */
const NOT_TEXT = /[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u
const REPLACEMENT = Buffer.from('\ufffd')

/** The text of a file, without a byte order mark; or the first place that is not text. */
export function decodeText(bytes: Buffer): { readonly text: string } | { readonly finding: Finding } {
  if (isUtf8(bytes)) return { text: withoutMark(bytes.toString()) }
  let line = 1
  let start = 0
  for (;;) {
    const newline = bytes.indexOf(0x0a, start)
    const end = newline < 0 ? bytes.length : newline
    const part = bytes.subarray(start, end)
    if (!isUtf8(part)) return { finding: { line, column: badColumn(part), reason: NOT_UTF8 } }
    line++
    start = end + 1
  }
}

const NOT_UTF8 = 'not text: these bytes are not UTF-8; save the file in UTF-8'

/** The column in UTF-16 code units, as in all findings. */
function badColumn(line: Buffer): number {
  let column = 1
  let offset = 0
  for (const character of line.toString()) {
    const length = Buffer.byteLength(character)
    if (character === '\ufffd' && !line.subarray(offset, offset + length).equals(REPLACEMENT)) break
    column += character.length
    offset += length
  }
  return column
}

/** The first character that a text file must not have. */
export function strangeCharacter(text: string): Finding | undefined {
  const offset = text.search(NOT_TEXT)
  if (offset < 0) return undefined
  const before = text.slice(0, offset)
  const lineStart = before.lastIndexOf('\n') + 1
  const shown = codePoint(String.fromCodePoint(text.codePointAt(offset)!))
  return {
    line: before.split('\n').length,
    column: offset - lineStart + 1,
    reason: `not text: the character ${shown} is not allowed here; take it out, or write "${shown}" in double quotes`,
  }
}

export const withoutMark = (text: string): string => (text.startsWith('\ufeff') ? text.slice(1) : text)
