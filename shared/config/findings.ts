/** A place in a file, 1-based, with what is wrong there. */
export interface Finding {
  readonly line: number
  readonly column: number
  readonly reason: string
}

/** As many as fit on a screen: who has mended these sees the next. */
export const MAX_FINDINGS = 20

/** The first ones; where there are more, a last one stands at the next place and says how many. */
export function oneScreen<F extends Finding>(findings: readonly F[]): F[] {
  const next = findings[MAX_FINDINGS]
  if (next === undefined) return [...findings]
  return [...findings.slice(0, MAX_FINDINGS), { ...next, reason: `and ${findings.length - MAX_FINDINGS} more` }]
}

const MAX_LENGTH = 400
/** What a terminal would act on, or would show as nothing: control and format characters, line separators. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

/** A text of somebody else's as one line for people, of bounded length; invisible characters as `\u001b`. */
export function printable(text: string): string {
  const short = text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text
  return short.replace(INVISIBLE, codePoint)
}

export function codePoint(character: string): string {
  const hex = character.codePointAt(0)!.toString(16)
  return hex.length > 4 ? `\\U${hex.padStart(8, '0')}` : `\\u${hex.padStart(4, '0')}`
}
