import type { Action } from '../../../shared/openflow/types.ts'
import { PORT } from '../../../shared/openflow/types.ts'
import type { CompiledService } from '../types.ts'

/** As much of a packet as an answer to it needs: Ethernet, VLAN, IP with options, TCP; RFC 792 wants 8 bytes after IP. */
const ENOUGH = 128

/**
 * What is done with a request that nobody can serve. The director's process makes the refusal (director/packets/refuse.ts):
 * the only packets that ever come to it.
 */
export function refuse({ onEmpty }: CompiledService): readonly Action[] {
  return onEmpty === 'drop' ? [] : [{ type: 'output', port: PORT.CONTROLLER, maxLen: ENOUGH }]
}
