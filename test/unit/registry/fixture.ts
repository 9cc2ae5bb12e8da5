import type { Peer } from '../../../director/intake/types.ts'
import type { RealServerReport } from '../../../shared/rpc/real-server.ts'

/** A real server as its agent reports it. */
export function reported(id: string, change: Partial<RealServerReport> = {}): RealServerReport {
  return {
    id,
    service: 'web',
    vip: '10.10.1.100',
    protocol: 'tcp',
    vipPort: 80,
    ingressPort: 8080,
    rsPort: 8080,
    vm: id,
    vmUuid: '',
    weight: 1,
    state: 'ready',
    reason: '',
    scheduler: 'rr',
    ...change,
  }
}

/** An agent whose connection is in the clear. */
export const PEER: Peer = { name: undefined, address: '172.24.1.20' }
