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

export function ingressPorts(remembered: readonly Allocation[]): IngressPorts {
  const taken = new Map<string, string>()
  const place = (vip: string, protocol: string, port: number) => `${vip}/${protocol}/${port}`
  for (const { vip, protocol, ingressPort, key } of remembered) taken.set(place(vip, protocol, ingressPort), key)
  return {
    take: (key, vip, protocol, rsPort, range) => {
      let port = rsPort
      if (taken.has(place(vip, protocol, port))) {
        for (port = range.first; taken.has(place(vip, protocol, port)); port++) if (port >= range.last) return undefined
      }
      taken.set(place(vip, protocol, port), key)
      return port
    },
    release: ({ vip, protocol, ingressPort, key }) => {
      const at = place(vip, protocol, ingressPort)
      if (taken.get(at) === key) taken.delete(at)
    },
  }
}
