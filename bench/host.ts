import type { Inventory } from '../agent/inventory/types.ts'
import type { PortsSnapshot } from '../agent/ports/types.ts'
import type { ServiceSpec } from '../shared/config/service.ts'
import { domain, inventory, port, ports, spec } from '../test/unit/real-servers/fixtures.ts'

/** Everything that the agent of a host sees, except the switch. */
export interface BenchHost {
  readonly specs: readonly ServiceSpec[]
  readonly inventory: Inventory
  readonly ports: PortsSnapshot
}

const VMS = 64

/** Each service has a VIP of its own (the costliest case) and one real server, in one of at most 64 VMs, or of `vms`. */
export function hostWith(services: number, vmCount = Math.min(services, VMS)): BenchHost {
  const vms = Array.from({ length: vmCount }, (_, n) => n)
  return {
    specs: Array.from({ length: services }, (_, n) => service(n)),
    inventory: inventory(...vms.map(n => domain(n, { name: `vm-${n}`, agentChannel: 'none', runId: n + 1 }))),
    ports: ports(...vms.map(n => port(n))),
  }
}

/** The same host with another real server port for service `n`. */
export function withPort(host: BenchHost, n: number, rsPort: number): BenchHost {
  const changed = host.specs.with(n, { ...service(n), realServers: [{ vm: vmName(n), port: rsPort, weight: 1 }] })
  return { ...host, specs: changed }
}

function service(n: number): ServiceSpec {
  return spec({
    service: `service-${n}`,
    vip: `10.${64 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`,
    realServers: [{ vm: vmName(n), port: 8080, weight: 1 }],
    source: { origin: 'file', file: `service-${n}.yaml`, line: 1 },
  })
}

const vmName = (n: number) => `vm-${n % VMS}`
