import type { Allocation } from '../store/types.ts'

export interface PortRange {
  readonly first: number
  readonly last: number
}

/** Assigns destination ports by VIP and protocol: host MAC and ingress port together must name exactly one real server. */
export interface IngressPorts {
  /**
   * The port of a real server that has none yet: its own port if no other real server has it, else the lowest free one of
   * `range`. Undefined when the range is used up.
   */
  take(key: string, vip: string, protocol: string, rsPort: number, range: PortRange): number | undefined
  release(allocation: Allocation): void
}

/** Host, VIP, protocol and ingress port name one real server. */
export const place = (vip: string, protocol: string, port: number): string => `${vip}/${protocol}/${port}`

/** What an allocation takes from others: its port for its VIP and protocol. */
export const placeOf = ({ vip, protocol, ingressPort }: Allocation): string => place(vip, protocol, ingressPort)

export function ingressPorts(remembered: readonly Allocation[]): IngressPorts {
  const taken = new Map<string, string>()
  for (const allocation of remembered) taken.set(placeOf(allocation), allocation.key)
  return {
    take: (key, vip, protocol, rsPort, range) => {
      let port = rsPort
      if (taken.has(place(vip, protocol, port))) {
        for (port = range.first; taken.has(place(vip, protocol, port)); port++) if (port >= range.last) return undefined
      }
      taken.set(place(vip, protocol, port), key)
      return port
    },
    release: allocation => {
      const at = placeOf(allocation)
      if (taken.get(at) === allocation.key) taken.delete(at)
    },
  }
}
