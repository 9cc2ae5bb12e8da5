import type { Peer } from '../../../director/authority/registration.ts'
import type { RealServerReport } from '../../../shared/rpc/real-server.ts'

/** An agent without a certificate, on another machine than the director. */
export const PEER: Peer = { name: undefined, address: '172.24.1.99' }

/** An agent on the director's own machine. */
export const BESIDE: Peer = { name: undefined, address: '127.0.0.1' }

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
