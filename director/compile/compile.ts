import type { DesiredState, Flow } from '../../shared/flows/types.ts'
import { arp } from './features/arp.ts'
import { connections } from './features/connections.ts'
import { forward } from './features/forward.ts'
import { icmp } from './features/icmp.ts'
import { uplink } from './features/uplink.ts'
import type { CompiledService, Feature, Site, VipFeature } from './types.ts'

const VIP_FEATURES: readonly VipFeature[] = [arp, icmp]
const FEATURES: readonly Feature[] = [connections, forward]

/**
 * All flows and groups of the director. Pure, and of the services' order: the same input gives the same output.
 * A service that nobody can serve keeps ARP and ICMP, and its requests are dropped by the empty connection table.
 */
export function compile(site: Site, services: readonly CompiledService[]): DesiredState {
  const vips = [...new Set(services.map(service => service.vip))].sort()
  const perVip = vips.flatMap(vip => VIP_FEATURES.flatMap(feature => feature(site, vip)))
  const perService = services.flatMap(service => FEATURES.map(feature => feature(site, service)))
  const base: readonly Flow[] = services.length === 0 ? [] : uplink(site)
  return {
    flows: [...base, ...perVip, ...perService.flatMap(part => part.flows)],
    groups: perService.flatMap(part => part.groups ?? []),
  }
}
