import type { Action } from '../../../shared/openflow/types.ts'
import { PORT } from '../../../shared/openflow/types.ts'
import { METER } from '../tables.ts'
import type { CompiledService } from '../types.ts'

/** Bytes of a packet that an answer needs: Ethernet, VLAN, IP with options, TCP; RFC 792 wants 8 bytes after the IP header. */
const ENOUGH = 128

/**
 * Actions for a request that no real server can serve. With `onEmpty: reject` the director's process answers it
 * (director/packets/refuse.ts).
 */
export function refuse({ onEmpty }: CompiledService): readonly Action[] {
  if (onEmpty === 'drop') return []
  return [
    { type: 'meter', meter: METER.refuse },
    { type: 'output', port: PORT.CONTROLLER, maxLen: ENOUGH },
  ]
}
