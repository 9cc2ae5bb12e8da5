import type { Log } from '../../shared/log.ts'
import type { Clock } from '../../shared/run/clock.ts'
import type { Switch } from '../../shared/switch/types.ts'
import { dumpConnections, entriesInTheWay } from '../apply/conntrack.ts'
import type { House } from '../house.ts'
import { markOf, type Plan } from '../plan/plan.ts'
import type { VirtualService } from '../registry/services.ts'

/** What an observer needs: the plan in force, and the switch that it is in force in. */
export interface InForce {
  readonly log: Log
  readonly clock: Clock
  switch(): Switch | undefined
  plan(): Plan | undefined
  markOf(service: VirtualService, id: string): number
}

export function inForce({ cells, store, log, clock }: House): InForce {
  return {
    log,
    clock,
    switch: () => (cells.tornDown.get() ? undefined : cells.switch.get()),
    plan: () => cells.outcome.get()?.plan,
    markOf: (service, id) => markOf(service, id, store.numbers),
  }
}

/** Functions that read the connection table. */
export function connectionTable({ cells, config, vswitchd }: House) {
  return {
    dump: (zone: number, details: boolean) =>
      dumpConnections(vswitchd, cells.bridge.get()?.datapathType ?? 'netdev', zone, details),
    entries: () => entriesInTheWay(vswitchd, cells.bridge.get()?.datapathType, config.uplink),
  }
}

/** Sum over a service's real servers, as far as they have been counted. */
export function sumOf({ cells }: House, key: string, what: 'total' | 'active'): number {
  const servers = cells.loads.get()(key)?.servers.values()
  return servers?.reduce((sum, server) => sum + server[what], 0) ?? 0
}

/** Getters of the newest state, for parts that answer packets. */
export function newest({ cells, log, clock }: House) {
  return {
    log,
    clock,
    switch: () => cells.switch.get(),
    site: () => cells.site.get(),
    services: () => cells.outcome.get()?.plan.compiled ?? [],
  }
}
