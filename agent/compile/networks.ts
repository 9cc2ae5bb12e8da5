import type { HostContext, VmPort } from './types.ts'

/** Memoises `work` by the list of VM ports, because every VIP of the host asks for the same result. */
function once<T>(work: (ports: readonly VmPort[]) => T): (host: Pick<HostContext, 'vmPorts'>) => T {
  const known = new WeakMap<readonly VmPort[], T>()
  return ({ vmPorts }) => {
    let result = known.get(vmPorts)
    if (result === undefined) known.set(vmPorts, (result = work(vmPorts)))
    return result
  }
}

/** VM ports by VLAN; undefined: untagged. */
export const networksOf = once(ports => Map.groupBy(ports, port => port.tag))

export const portsByMac = once(ports => new Map(ports.map(port => [port.mac, port])))

export const portsText = once(ports => JSON.stringify(ports))
