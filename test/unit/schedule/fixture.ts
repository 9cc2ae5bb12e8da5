import type { RealServer } from '../../../director/registry/types.ts'
import { reported } from '../registry/fixture.ts'

export function rs(id: string, change: Partial<RealServer> = {}): RealServer {
  return { hostId: 'rs1', hostMac: '02:00:00:00:00:20', hostIp: '172.24.1.20', ...reported(id), ...change }
}

/** One real server for each weight. */
export function farm(weights: readonly number[]): RealServer[] {
  return weights.map((weight, i) => rs(`rs-${String(i).padStart(3, '0')}`, { weight }))
}
