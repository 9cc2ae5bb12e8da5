import type { Finding } from '../../shared/status/conditions.ts'
import type { Host } from '../registry/types.ts'

/**
 * Hosts that are connected and say that they have the same address: what is sent to one comes to the other.
 *
 * @param addressed - hosts are sent to by their address in the underlay, too (an overlay)
 */
export function sharedAddresses(
  hosts: readonly Host[],
  connected: ReadonlySet<string>,
  addressed: boolean,
): readonly Finding[] {
  const there = hosts.filter(({ hostId }) => connected.has(hostId))
  const shared = (what: string, of: (host: Host) => string) =>
    [...Map.groupBy(there, of)].flatMap(([address, all]): Finding[] => {
      if (all.length < 2) return []
      const subject = all.map(({ hostId }) => hostId).sort()
      const message = `they have one ${what}, ${address}: requests for real servers of one come to the other`
      return [{ subject: subject.join(', '), message }]
    })
  return [
    ...shared('host MAC', ({ hostMac }) => hostMac),
    ...(addressed ? shared('address in the underlay', ({ hostIp }) => hostIp) : []),
  ]
}
