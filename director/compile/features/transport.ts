import { familyOf } from '../../../shared/net/family.ts'
import { over } from '../../../shared/net/match.ts'
import type { CompiledService } from '../types.ts'

/** `ip_proto` and its prerequisites, for a match on the service's packets. */
export function transport({ vip, protocol }: Pick<CompiledService, 'vip' | 'protocol'>) {
  return over(familyOf(vip), protocol)
}
