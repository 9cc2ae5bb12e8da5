import type { Compiled, CompiledObject } from '../../shared/flows/compiled.ts'
import type { Flow, Group } from '../../shared/flows/types.ts'
import { familiesOf } from '../../shared/net/family.ts'
import type { Family } from '../../shared/net/types.ts'
import { accessPorts } from './features/access-ports.ts'
import { connections } from './features/connections.ts'
import { echo } from './features/echo.ts'
import { ending } from './features/ending.ts'
import { forward } from './features/forward.ts'
import { group } from './features/group.ts'
import { icmpErrorOwner, icmpErrors } from './features/icmp-errors.ts'
import { neighbours } from './features/neighbours.ts'
import { noRequest } from './features/no-request.ts'
import { passing } from './features/passing.ts'
import { persistence } from './features/persistence.ts'
import { recall, recallBase } from './features/recall.ts'
import { signalBase, signals } from './features/signals.ts'
import { turn } from './features/turn.ts'
import { uplink } from './features/uplink.ts'
import type { CompiledService, Feature, Site, VipFeature } from './types.ts'

const VIP_FEATURES: readonly VipFeature[] = [neighbours, echo, icmpErrors, noRequest]
const FEATURES: readonly Feature[] = [signals, ending, connections, recall, turn, persistence, forward]

/**
 * All flows and groups that the bridge must hold for the director, by object: `uplink`, `access ports`, `vip/VIP`,
 * `service/NUMBER`. Pure; empty without services. `numberOf`: the number of a VIP. `families`: the address families of all VIPs,
 * needed where `services` is a part of them. A service without a usable real server keeps its answers to ARP and ICMP, and its requests are refused or dropped.
 */
export function compile(
  site: Site,
  services: readonly CompiledService[],
  numberOf: (vip: string) => number,
  families: readonly Family[] = familiesOf(services.map(({ vip }) => vip)),
): Compiled {
  const compiled = new Map<string, CompiledObject>()
  const add = (object: string, signature: unknown, flows: () => readonly Flow[], groups?: () => readonly Group[]) =>
    compiled.set(object, { signature: JSON.stringify(signature), flows, ...(groups === undefined ? {} : { groups }) })
  if (services.length === 0) return compiled

  const { accessPorts: ports, ...place } = site
  add('uplink', [site.uplink, site.directorMac, site.recallMac, families.map(({ name }) => name)], () => [
    ...passing(),
    ...uplink(site),
    ...signalBase(site),
    ...recallBase(site, families),
    icmpErrorOwner(),
  ])
  if (site.fabric === 'l2') add('access ports', ports, () => accessPorts(site))
  for (const vip of [...new Set(services.map(service => service.vip))].sort()) {
    const number = numberOf(vip)
    add(`vip/${vip}`, [place, number], () => VIP_FEATURES.flatMap(feature => feature(site, vip, number)))
  }
  for (const service of services) {
    add(
      serviceObject(service),
      [place, service],
      () => FEATURES.flatMap(feature => feature(site, service).flows),
      () => (service.shares.length > 0 ? [group(service)] : []),
    )
  }
  return compiled
}

export function serviceObject(service: Pick<CompiledService, 'number'>): string {
  return `service/${service.number}`
}
