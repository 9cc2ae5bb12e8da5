import type { HostContext, VmPort } from './types.ts'

/** Works something out of a host's VM ports once for each list of them: every VIP of the host asks. */
function once<T>(work: (ports: readonly VmPort[]) => T): (host: Pick<HostContext, 'vmPorts'>) => T {
  const known = new WeakMap<readonly VmPort[], T>()
  return ({ vmPorts }) => {
    let result = known.get(vmPorts)
    if (result === undefined) known.set(vmPorts, (result = work(vmPorts)))
    return result
  }
}

/** By VLAN; undefined: no tag. */
export const networksOf = once(ports => Map.groupBy(ports, port => port.tag))

export const portsByMac = once(ports => new Map(ports.map(port => [port.mac, port])))

export const portsText = once(ports => JSON.stringify(ports))
