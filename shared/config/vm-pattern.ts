import { globCovers, nameElements, parseGlob } from './glob.ts'

/** One VM, as libvirt names it. */
export interface VmName {
  readonly name: string
  readonly uuid: string
}

/** Longer than any name: libvirt uses a name as a file name (NAME_MAX, limits.h), and a `[…]` is one character of it. */
const MAX_PATTERN = 1024
const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i

/**
 * Matches a domain by UUID (any case, with or without dashes), or by name with a shell's wildcards (glob.ts). A name that libvirt
 * itself writes matches, whatever its characters.
 */
export function vmMatcher(pattern: string): (vm: VmName) => boolean {
  if (UUID.test(pattern)) {
    const wanted = bareUuid(pattern)
    return vm => bareUuid(vm.uuid) === wanted
  }
  if (!SPECIAL.test(pattern)) return vm => vm.name === pattern
  const { elements } = parseGlob(pattern)
  return vm => vm.name === pattern || globCovers(elements, nameElements(vm.name))
}

/** True when a pattern matches only the VM of exactly this name. */
export const isPlainName = (pattern: string): boolean => !SPECIAL.test(pattern) && !UUID.test(pattern)

/** Why a pattern cannot be used; undefined when it can. */
export function vmPatternProblem(pattern: string): string | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[/\x00-\x1f\x7f]/.test(pattern))
    return `'${pattern}': a libvirt domain name has no '/' and no control characters`
  if (pattern.startsWith('!')) return `'${pattern}': patterns cannot be negated; name the VMs that serve`
  if (pattern.length > MAX_PATTERN) return `longer than ${MAX_PATTERN} characters; no name is`
  const { problem } = parseGlob(pattern)
  return problem === undefined ? undefined : `'${pattern}': ${problem}`
}

/**
 * True when the two patterns certainly have a VM in common: they are equal, or one covers the other. Two globs that merely could
 * (`web-*`, `*-prod`) are not reported; this is decided when the VMs are known.
 */
export function patternsMeet(a: string, b: string): boolean {
  return patternCovers(a, b) || patternCovers(b, a)
}

/** True when `wide` certainly matches every VM that `narrow` matches, whatever its wildcards stand for. */
export function patternCovers(wide: string, narrow: string): boolean {
  if (UUID.test(wide) && UUID.test(narrow)) return bareUuid(wide) === bareUuid(narrow)
  if (UUID.test(wide) || UUID.test(narrow)) return wide === '*'
  if (wide === narrow) return true
  if (!SPECIAL.test(wide) && !SPECIAL.test(narrow)) return false
  return globCovers(parseGlob(wide).elements, parseGlob(narrow).elements)
}

const SPECIAL = /[*?[\\]/
const bareUuid = (uuid: string) => uuid.replaceAll('-', '').toLowerCase()
