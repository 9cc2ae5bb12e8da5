import picomatch from 'picomatch'

/** One VM as libvirt names it. */
export interface VmName {
  readonly name: string
  readonly uuid: string
}

const OPTIONS = { dot: true, nonegate: true, noextglob: true, bash: true } as const
const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i

/** Matches a domain by UUID (any case, with or without dashes), or by name with `*`, `?`, `[a-z]` and `{a,b}`. */
export function vmMatcher(pattern: string): (vm: VmName) => boolean {
  if (UUID.test(pattern)) {
    const wanted = bareUuid(pattern)
    return vm => bareUuid(vm.uuid) === wanted
  }
  const matches = picomatch(pattern, OPTIONS)
  return vm => vm.name === pattern || matches(vm.name)
}

/** Why a pattern cannot be used, or undefined. */
export function vmPatternProblem(pattern: string): string | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[/\x00-\x1f\x7f]/.test(pattern))
    return `'${pattern}': a libvirt domain name has no '/' and no control characters`
  if (pattern.startsWith('!')) return `'${pattern}': patterns cannot be negated; name the VMs that serve`
  for (const [open, close] of ['[]', '{}'] as const) {
    const depth = [...pattern].reduce((d, char) => (d < 0 ? d : d + Number(char === open) - Number(char === close)), 0)
    if (depth !== 0) return `'${pattern}': '${open}' and '${close}' do not match up`
  }
  return undefined
}

/**
 * True when the two patterns certainly meet: they are the same, or one covers the other.
 * Two globs that merely could meet (`web-*`, `*-prod`) are not: that is decided when the VMs are known.
 */
export function patternsMeet(a: string, b: string): boolean {
  return patternCovers(a, b) || patternCovers(b, a)
}

/** True when `wide` certainly matches every VM that `narrow` matches, whatever stands in its wildcards. */
export function patternCovers(wide: string, narrow: string): boolean {
  if (UUID.test(wide) && UUID.test(narrow)) return bareUuid(wide) === bareUuid(narrow)
  if (UUID.test(wide) || UUID.test(narrow)) return wide === '*'
  if (wide === narrow) return true
  if (/[[{]/.test(narrow)) return wide === '*'
  return picomatch(wide, OPTIONS)(narrow.replaceAll('*', '\u{1f}\u{1f}').replaceAll('?', '\u{1f}'))
}

const bareUuid = (uuid: string) => uuid.replaceAll('-', '').toLowerCase()
