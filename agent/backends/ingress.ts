import type { Allocation } from './types.ts'

export interface PortRange {
  readonly first: number
  readonly last: number
}

/**
 * Gives each real server of one VIP and protocol a destination port of its own, because host MAC + ingress port must
 * name exactly one of them. The real server's own port where nobody else has it, else the lowest free one of `range`.
 * A number once given stays until its owner is gone.
 *
 * @returns the port, or undefined when the range is used up.
 */
export function ingressAllocator(remembered: readonly Allocation[], range: PortRange) {
  const taken = new Map<string, Map<number, string>>()
  const own = new Map<string, number>()
  const group = (vip: string, protocol: string): Map<number, string> => {
    const name = `${vip}/${protocol}`
    let ports = taken.get(name)
    if (ports === undefined) taken.set(name, (ports = new Map()))
    return ports
  }
  for (const allocation of remembered) {
    group(allocation.vip, allocation.protocol).set(allocation.ingressPort, allocation.key)
    own.set(`${allocation.vip}/${allocation.protocol}/${allocation.key}`, allocation.ingressPort)
  }
  return (key: string, vip: string, protocol: string, rsPort: number): number | undefined => {
    const before = own.get(`${vip}/${protocol}/${key}`)
    if (before !== undefined) return before
    const ports = group(vip, protocol)
    let port: number | undefined = rsPort
    if (ports.has(port)) {
      for (port = range.first; ports.has(port); port++) if (port >= range.last) return undefined
    }
    ports.set(port, key)
    return port
  }
}
