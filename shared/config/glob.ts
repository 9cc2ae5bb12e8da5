/** One element of a pattern. In a name, every element is a character. */
export type GlobElement =
  | { readonly kind: 'character'; readonly character: string }
  /** `?`: any one character */
  | { readonly kind: 'any' }
  /** `[…]`: one character that is, or with `!` is not, in the set */
  | { readonly kind: 'set'; readonly negated: boolean; readonly members: readonly SetMember[] }
  /** `*`: any characters, or none */
  | { readonly kind: 'star' }

/** Code points from `first` to `last`, both included, or a class such as [:digit:]. */
type SetMember = { readonly first: number; readonly last: number } | { readonly className: string }

export interface Glob {
  readonly elements: readonly GlobElement[]
  /** What is wrong with the pattern: a shell would read it differently. */
  readonly problem: string | undefined
}

/** Named classes (POSIX.1-2024, XBD 7.3.1), in Unicode's meaning. */
const CLASSES: Readonly<Record<string, RegExp>> = {
  alnum: /[\p{Alphabetic}\p{Nd}]/u,
  alpha: /\p{Alphabetic}/u,
  blank: /[\t\p{Zs}]/u,
  cntrl: /\p{Cc}/u,
  digit: /[0-9]/,
  graph: /[^\s\p{Cc}]/u,
  lower: /\p{Lowercase}/u,
  print: /\P{Cc}/u,
  punct: /[^\p{Alphabetic}\p{Nd}\s\p{Cc}]/u,
  space: /\s/,
  upper: /\p{Uppercase}/u,
  xdigit: /[0-9A-Fa-f]/,
}

/**
 * Reads a pattern as a shell does (glob(7); POSIX.1-2024, XCU 2.14): `*`, `?`, `[a-z]`, `[!a-z]`, `[[:digit:]]`, and `\`, which
 * makes the next character an ordinary one. Braces and parentheses are ordinary characters.
 */
export function parseGlob(pattern: string): Glob {
  const characters = [...pattern]
  const elements: GlobElement[] = []
  let problem: string | undefined
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at]!
    if (character === '*') elements.push({ kind: 'star' })
    else if (character === '?') elements.push({ kind: 'any' })
    else if (character === '\\') {
      if (at + 1 === characters.length) problem ??= 'a backslash at the end has nothing to escape; write two for one'
      elements.push({ kind: 'character', character: characters[++at] ?? '\\' })
    } else if (character === '[') {
      const set = readSet(characters, at + 1)
      if (typeof set === 'string') problem ??= set
      if (typeof set === 'object') at = set.end
      elements.push(typeof set === 'object' ? set.element : { kind: 'character', character })
    } else elements.push({ kind: 'character', character })
  }
  return { elements: inOrder(elements), problem }
}

/** Reads a set up to its `]`. Returns the place after it, or what is wrong with the set. */
function readSet(characters: readonly string[], start: number): { element: GlobElement; end: number } | string {
  let at = start
  const negated = characters[at] === '!' || characters[at] === '^'
  if (negated) at++
  const members: SetMember[] = []
  for (let first = at; at < characters.length; ) {
    if (characters[at] === ']' && at > first) return { element: { kind: 'set', negated, members }, end: at }
    const name = classAt(characters, at)
    if (name !== undefined) {
      if (!Object.hasOwn(CLASSES, name))
        return `'[:${name}:]' is no class of characters, such as [:alpha:] or [:digit:]`
      members.push({ className: name })
      at += name.length + 4
      continue
    }
    if (characters[at] === '[' && (characters[at + 1] === '.' || characters[at + 1] === '='))
      return `'[${characters[at + 1]}' within brackets is not supported; write the characters themselves`
    const from = characters[at] === '\\' ? ++at : at
    let to = from
    if (characters[from + 1] === '-' && characters[from + 2] !== ']' && from + 2 < characters.length)
      to = characters[from + 2] === '\\' ? from + 3 : from + 2
    if (to >= characters.length) break
    members.push({ first: characters[from]!.codePointAt(0)!, last: characters[to]!.codePointAt(0)! })
    at = to + 1
  }
  return `'[' and ']' do not match up`
}

function classAt(characters: readonly string[], at: number): string | undefined {
  return /^\[:([a-z]*):\]/.exec(characters.slice(at, at + 16).join(''))?.[1]
}

/** Sorts a run of `*` and `?` so that all `?` come first and equal runs are equal: `*?*` becomes `?*`. */
function inOrder(elements: readonly GlobElement[]): GlobElement[] {
  const ordered: GlobElement[] = []
  let star = false
  for (const element of elements) {
    if (element.kind === 'star') {
      star = true
      continue
    }
    if (star && element.kind !== 'any') {
      ordered.push({ kind: 'star' })
      star = false
    }
    ordered.push(element)
  }
  if (star) ordered.push({ kind: 'star' })
  return ordered
}

/** The elements of a name, in which no character is special. */
export const nameElements = (name: string): GlobElement[] =>
  [...name].map(character => ({ kind: 'character', character }))

/**
 * True when `pattern` matches everything that `narrow` stands for: a name, or everything that another pattern matches (false may
 * then mean "not certain"). It makes at most pattern × narrow comparisons: on a mismatch only the last star takes one more
 * character, because everything before it already has its shortest match. `onCompare` is called for each comparison.
 */
export function globCovers(
  pattern: readonly GlobElement[],
  narrow: readonly GlobElement[],
  onCompare?: () => void,
): boolean {
  let p = 0
  let n = 0
  let star = -1
  let resume = 0
  while (n < narrow.length) {
    const element = pattern[p]
    onCompare?.()
    if (element?.kind === 'star') {
      star = p++
      resume = n
    } else if (element !== undefined && accepts(element, narrow[n]!)) {
      p++
      n++
    } else if (star >= 0) {
      p = star + 1
      n = ++resume
    } else return false
  }
  while (pattern[p]?.kind === 'star') p++
  return p === pattern.length
}

/** Compares two single elements; `narrow` may be a star, which only a star covers. */
function accepts(element: GlobElement, narrow: GlobElement): boolean {
  if (narrow.kind === 'star') return false
  if (element.kind === 'any') return true
  if (narrow.kind === 'set') return element.kind === 'set' && JSON.stringify(element) === JSON.stringify(narrow)
  if (narrow.kind === 'any') return false
  return element.kind === 'set'
    ? inSet(element.members, narrow.character) !== element.negated
    : element.kind === 'character' && element.character === narrow.character
}

function inSet(members: readonly SetMember[], character: string): boolean {
  const code = character.codePointAt(0)!
  return members.some(member =>
    'className' in member ? CLASSES[member.className]!.test(character) : member.first <= code && code <= member.last,
  )
}
