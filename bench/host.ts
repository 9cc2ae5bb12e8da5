import type { Domain, Inventory } from '../agent/inventory/types.ts'
import type { BridgePort, PortsSnapshot } from '../agent/ports/types.ts'
import type { ServiceSpec } from '../shared/config/service.ts'

/** What the agent of a host sees: everything but the switch. */
export interface BenchHost {
  readonly specs: readonly ServiceSpec[]
  readonly inventory: Inventory
  readonly ports: PortsSnapshot
}

const VMS = 64

/** Every service has a VIP of its own (the costliest kind) and one real server, in one of at most 64 VMs, or `vms`. */
export function hostWith(services: number, vmCount = Math.min(services, VMS)): BenchHost {
  const vms = Array.from({ length: vmCount }, (_, n) => n)
  return {
    specs: Array.from({ length: services }, (_, n) => service(n)),
    inventory: { synced: true, domains: vms.map(domain) },
    ports: {
      synced: true,
      bridge: {
        name: 'br0',
        mac: '02:00:00:00:00:20',
        datapathId: undefined,
        datapathType: 'netdev',
        failMode: 'secure',
      },
      ports: vms.map(port),
    },
  }
}

/** The same host, with another real server port for service `n`. */
export function withPort(host: BenchHost, n: number, rsPort: number): BenchHost {
  const changed = host.specs.with(n, { ...service(n), realServers: [{ vm: vmName(n), port: rsPort, weight: 1 }] })
  return { ...host, specs: changed }
}

function service(n: number): ServiceSpec {
  return {
    service: `service-${n}`,
    vip: `10.${64 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`,
    port: 80,
    protocol: 'tcp',
    scheduler: 'rr',
    clients: ['0.0.0.0/0'],
    arp: 'answer',
    realServers: [{ vm: vmName(n), port: 8080, weight: 1 }],
    source: { origin: 'file', file: `service-${n}.yaml`, line: 1 },
  }
}

const vmName = (n: number) => `vm-${n % VMS}`
const uuid = (n: number) => `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`
const mac = (n: number) =>
  `52:54:00:00:${(n >> 8).toString(16).padStart(2, '0')}:${(n & 255).toString(16).padStart(2, '0')}`

function domain(n: number): Domain {
  return {
    uuid: uuid(n),
    name: `vm-${n}`,
    state: 'running',
    nics: [{ mac: mac(n), source: 'br0', target: `vnet${n}`, interfaceId: undefined }],
    agentChannel: 'none',
    runId: n + 1,
  }
}

function port(n: number): BridgePort {
  return {
    name: `vnet${n}`,
    ofport: n + 1,
    type: '',
    attachedMac: mac(n),
    ifaceId: undefined,
    vmId: uuid(n),
    tag: undefined,
    trunks: [],
    macInUse: undefined,
    mtu: 1500,
    linkUp: true,
    error: undefined,
  }
}
