import type { RealServer } from '../../../director/registry/types.ts'

export function rs(id: string, change: Partial<RealServer> = {}): RealServer {
  return {
    id,
    hostId: 'rs1',
    hostMac: '02:00:00:00:00:20',
    hostIp: '172.24.1.20',
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

/** One real server for each weight. */
export function farm(weights: readonly number[]): RealServer[] {
  return weights.map((weight, i) => rs(`rs-${String(i).padStart(3, '0')}`, { weight }))
}
