import type { RealServer } from '../../../director/registry/types.ts'
import { observe, type ServiceLoad } from '../../../director/schedule/load.ts'
import { reported } from '../registry/fixture.ts'

export function rs(id: string, change: Partial<RealServer> = {}): RealServer {
  return { hostId: 'rs1', hostMac: '02:00:00:00:00:20', hostIp: '172.24.1.20', ...reported(id), ...change }
}

/** One real server for each weight. */
export function farm(weights: readonly number[]): RealServer[] {
  return weights.map((weight, i) => rs(`rs-${String(i).padStart(3, '0')}`, { weight }))
}

/** So many connections come that shares decide; the real servers have none yet. */
export function rush(realServers: readonly RealServer[]): ServiceLoad {
  const servers = new Map(realServers.map(rs => [rs.id, undefined]))
  return observe(undefined, { at: 0, epoch: '', counters: new Map(), servers, manyFrom: 0 })
}
