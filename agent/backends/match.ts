import picomatch from 'picomatch/posix.js'
import type { Domain } from '../inventory/types.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/**
 * A test for `realServers[].vm`: a libvirt UUID, or a glob over the domain's name (`*`, `?`, `[…]`, `{a,b}`;
 * a name is one word, so `*` also stands for dots and slashes).
 */
export function vmMatcher(pattern: string): (domain: Domain) => boolean {
  if (UUID.test(pattern)) {
    const uuid = pattern.toLowerCase()
    return domain => domain.uuid === uuid
  }
  if (!/[*?[{]/.test(pattern)) return domain => domain.name === pattern
  const matches = picomatch(pattern, { dot: true, bash: true, nonegate: true })
  return domain => matches(domain.name)
}
