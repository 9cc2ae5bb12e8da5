import type { Domain, Inventory } from '../../../agent/inventory/types.ts'
import type { BridgePort, PortsSnapshot } from '../../../agent/ports/types.ts'
import { resolve } from '../../../agent/real-servers/resolve.ts'
import type { ServiceSpec } from '../../../shared/config/service.ts'

export function uuid(n: number): string {
  return `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`
}

export function mac(n: number): string {
  return `52:54:00:00:${(n >> 8).toString(16).padStart(2, '0')}:${(n & 255).toString(16).padStart(2, '0')}`
}

export function domain(n: number, changes: Partial<Domain> = {}): Domain {
  return {
    uuid: uuid(n),
    name: `web-${n}`,
    state: 'running',
    nics: [{ mac: mac(n), source: 'br0', target: `vnet${n}`, interfaceId: undefined }],
    agentChannel: 'connected',
    runId: n,
    ...changes,
  }
}

export function port(n: number, changes: Partial<BridgePort> = {}): BridgePort {
  return {
    name: `vnet${n}`,
    ofport: 10 + n,
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
    ...changes,
  }
}

export function inventory(...domains: Domain[]): Inventory {
  return { synced: true, domains }
}

export function ports(...list: BridgePort[]): PortsSnapshot {
  return {
    synced: true,
    bridge: {
      name: 'br0',
      mac: '02:00:00:00:00:20',
      datapathId: undefined,
      datapathType: 'netdev',
      failMode: undefined,
    },
    ports: list,
  }
}

export function spec(changes: Partial<ServiceSpec> = {}): ServiceSpec {
  return {
    service: 'web',
    vip: '10.10.1.100',
    port: 80,
    protocol: 'tcp',
    scheduler: 'rr',
    clients: ['0.0.0.0/0'],
    arp: 'answer',
    realServers: [{ vm: 'web-*', port: 8080, weight: 1 }],
    source: { origin: 'file', file: 'web.yaml', line: 1 },
    ...changes,
  }
}

/** What these services come to on a host with the VMs `vms`, plugged in as `snapshot` has them, without earlier numbers. */
export function resolved(
  specs: readonly ServiceSpec[],
  vms: readonly number[],
  snapshot: PortsSnapshot = ports(...vms.map(n => port(n))),
) {
  return resolve({
    specs,
    inventory: inventory(...vms.map(n => domain(n))),
    ports: snapshot,
    allocations: [],
    ingressPorts: { first: 40_000, last: 49_999 },
  })
}
