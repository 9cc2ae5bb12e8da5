/** A place in a file, 1-based, with what is wrong there. */
export interface Finding {
  readonly line: number
  readonly column: number
  readonly reason: string
}

/** Findings that fit on a screen. Further ones show up when these have been mended. */
export const MAX_FINDINGS = 20

/** The first findings. Where there are more, a last one at the next place gives their number. */
export function oneScreen<F extends Finding>(findings: readonly F[]): F[] {
  const next = findings[MAX_FINDINGS]
  if (next === undefined) return [...findings]
  return [...findings.slice(0, MAX_FINDINGS), { ...next, reason: `and ${findings.length - MAX_FINDINGS} more` }]
}

const MAX_LENGTH = 400
/** Characters that a terminal interprets or does not show: control and format characters, line separators. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

/** A foreign text as one line of bounded length, with invisible characters as `\u001b`. */
export function printable(text: string): string {
  const short = text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text
  return short.replace(INVISIBLE, codePoint)
}

export function codePoint(character: string): string {
  const hex = character.codePointAt(0)!.toString(16)
  return hex.length > 4 ? `\\U${hex.padStart(8, '0')}` : `\\u${hex.padStart(4, '0')}`
}
