import { decodeCookie } from '../../shared/flows/cookie.ts'
import type { FlowStats } from '../../shared/switch/types.ts'
import type { RealServer } from '../real-servers/types.ts'
import type { Traffic } from './types.ts'

/** The clients' packets by real server, from the counters of their request and reply flows. Pure. */
export function trafficOf(realServers: readonly RealServer[], counters: readonly FlowStats[]): Map<string, Traffic> {
  const byId = new Map<number, { requests: number; replies: number }>()
  for (const { cookie, packets } of counters) {
    const { kind, object = 0 } = decodeCookie(cookie) ?? {}
    if (kind !== 'request' && kind !== 'reply') continue
    const sums = byId.get(object) ?? { requests: 0, replies: 0 }
    byId.set(object, sums)
    if (kind === 'request') sums.requests += packets
    else sums.replies += packets
  }
  return new Map(
    realServers.flatMap(({ key, id }) => {
      const traffic = byId.get(id)
      return traffic === undefined ? [] : [[key, traffic] as const]
    }),
  )
}
