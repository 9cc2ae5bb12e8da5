import type { Allocation } from './types.ts'

export interface PortRange {
  readonly first: number
  readonly last: number
}

/** Who has which destination port, by VIP and protocol. */
export interface IngressGroups {
  /**
   * The port of a real server that has none yet: its own where nobody else has it, else the lowest free one of `range`.
   * Undefined when the range is used up.
   */
  take(key: string, vip: string, protocol: string, rsPort: number, range: PortRange): number | undefined
  release(allocation: Allocation): void
}

export function ingressGroups(remembered: readonly Allocation[]): IngressGroups {
  const taken = new Map<string, Map<number, string>>()
  const group = (vip: string, protocol: string): Map<number, string> => {
    const name = `${vip}/${protocol}`
    let ports = taken.get(name)
    if (ports === undefined) taken.set(name, (ports = new Map()))
    return ports
  }
  for (const { vip, protocol, ingressPort, key } of remembered) group(vip, protocol).set(ingressPort, key)
  return {
    take: (key, vip, protocol, rsPort, range) => {
      const ports = group(vip, protocol)
      let port = rsPort
      if (ports.has(port)) {
        for (port = range.first; ports.has(port); port++) if (port >= range.last) return undefined
      }
      ports.set(port, key)
      return port
    },
    release: ({ vip, protocol, ingressPort, key }) => {
      const ports = group(vip, protocol)
      if (ports.get(ingressPort) === key) ports.delete(ingressPort)
      if (ports.size === 0) taken.delete(`${vip}/${protocol}`)
    },
  }
}

/**
 * Gives each real server of one VIP and protocol a destination port of its own, because host MAC + ingress port must
 * name exactly one of them. A number once given stays until its owner is gone.
 *
 * @returns the port, or undefined when the range is used up.
 */
export function ingressAllocator(remembered: readonly Allocation[], range: PortRange) {
  const groups = ingressGroups(remembered)
  const own = new Map(remembered.map(a => [`${a.vip}/${a.protocol}/${a.key}`, a.ingressPort]))
  return (key: string, vip: string, protocol: string, rsPort: number): number | undefined =>
    own.get(`${vip}/${protocol}/${key}`) ?? groups.take(key, vip, protocol, rsPort, range)
}
