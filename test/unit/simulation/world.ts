import type { Domain, Inventory } from '../../../agent/inventory/types.ts'
import type { BridgePort, PortsSnapshot } from '../../../agent/ports/types.ts'
import type { DirectorInfo } from '../../../agent/store/types.ts'
import type { ServiceSpec } from '../../../shared/config/service.ts'
import type { ServicesSnapshot } from '../../../shared/config/snapshot.ts'
import { domain, inventory, port, ports, spec } from '../real-servers/fixtures.ts'
import type { Random } from './random.ts'

/** The true state: files, libvirt's domains, the bridge's ports, the director. Watchers report it sooner or later. */
export interface World {
  readonly services: Map<string, ServiceSpec>
  readonly vms: Map<number, Domain>
  readonly plugged: Map<number, BridgePort>
  director: DirectorInfo | undefined
  servicesSnapshot(): ServicesSnapshot
  inventory(): Inventory
  ports(): PortsSnapshot
}

const VMS = [1, 2, 3]
const SERVICES = ['a', 'b', 'c'] as const

export function createWorld(): World {
  const services = new Map<string, ServiceSpec>()
  const vms = new Map(VMS.map(n => [n, domain(n)]))
  const plugged = new Map(VMS.map(n => [n, port(n)]))
  return {
    services,
    vms,
    plugged,
    director: undefined,
    servicesSnapshot: () => ({
      synced: true,
      specs: [...services.values()].sort((a, b) => (a.service < b.service ? -1 : 1)),
      problems: [],
      documents: [],
      files: [],
    }),
    inventory: () => inventory(...vms.values()),
    ports: () => ports(...plugged.values()),
  }
}

/** Makes one random change of the world; returns the source that would report it. */
export function happen(world: World, random: Random, run: number): 'services' | 'inventory' | 'ports' | 'director' {
  const n = random.pick(VMS)
  switch (random.below(8)) {
    case 0:
    case 1:
    case 2: {
      const service = random.pick(SERVICES)
      if (random.chance(0.3)) world.services.delete(service)
      else world.services.set(service, anyService(service, random))
      return 'services'
    }
    case 3:
      world.vms.set(n, domain(n, { state: random.pick(['running', 'paused', 'shutoff', 'crashed']), runId: run }))
      return 'inventory'
    case 4:
      if (random.chance(0.4)) world.vms.delete(n)
      else world.vms.set(n, domain(n, { name: random.pick([`web-${n}`, `other-${n}`]), runId: run }))
      return 'inventory'
    case 5:
      if (random.chance(0.4)) world.plugged.delete(n)
      else
        world.plugged.set(
          n,
          port(n, { ofport: 10 + random.below(5) + 5 * n, tag: random.pick([undefined, undefined, 7]) }),
        )
      return 'ports'
    case 6:
      world.plugged.set(n, port(n, { ofport: -1, error: 'could not be opened' }))
      return 'ports'
    default:
      world.director = { id: 'd', mac: `02:00:00:00:01:0${random.below(3)}`, leaseMs: 15_000, active: true }
      return 'director'
  }
}

function anyService(service: (typeof SERVICES)[number], random: Random): ServiceSpec {
  // Each has a VIP and port of its own, as the file rules demand; real servers may share a VM.
  const n = SERVICES.indexOf(service)
  return spec({
    service,
    vip: random.pick(['10.0.0.1', '10.0.0.2']),
    port: 80 + n,
    arp: random.pick(['answer', 'drop']),
    realServers: [
      {
        vm: random.pick(['web-*', 'web-1', 'web-[12]', '*']),
        port: random.pick([8080, 8081]),
        weight: random.below(2),
      },
    ],
    source: { origin: 'file', file: `${service}.yaml`, line: 1 },
  })
}
