import type { Match } from '../../../shared/openflow/types.ts'
import type { CompiledService } from '../types.ts'

const PROTOCOL = { tcp: 6, udp: 17 } as const

/** `ip_proto` and what it needs, for a match on the service's packets. */
export function transport(service: Pick<CompiledService, 'protocol'>): Match {
  return { eth_type: 0x0800, ip_proto: PROTOCOL[service.protocol] }
}
