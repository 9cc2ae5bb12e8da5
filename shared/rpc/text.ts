import { LIMITS } from './limits.ts'

/** A terminal shows the text as it is: it has no control characters. */
export const isPlain = (text: string): boolean => /^\P{Cc}*$/u.test(text)

/** Of a text that is longer than `most` characters, the beginning. */
export const clipped = (text: string, most: number = LIMITS.reason): string =>
  text.length <= most ? text : `${text.slice(0, most - 1)}…`

/** A text of a peer's as people may be shown it, whatever is in it. */
export const shown = (text: string): string => clipped(text, LIMITS.name).replace(/\p{Cc}/gu, '?')
