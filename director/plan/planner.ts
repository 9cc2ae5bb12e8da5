import type { ServiceSpec } from '../../shared/config/service.ts'
import { updateSorted } from '../../shared/lists.ts'
import type { HostServiceAuthority } from '../authority/host-services.ts'
import type { CompiledService } from '../compile/types.ts'
import { createGrouping } from '../registry/grouping.ts'
import { createRoster } from '../registry/roster.ts'
import { type HostServices, NO_HOST_SERVICES, type VirtualService } from '../registry/services.ts'
import type { Registry, RegistryProblem } from '../registry/types.ts'
import type { Knowledge } from '../schedule/schedule.ts'
import type { Numbers } from '../store/numbers.ts'
import { planByNumbers, type Unnumbered } from './by-numbers.ts'
import { compileService, type Judged, type Plan, type PlannedService, type Selection, selectionOf } from './plan.ts'

export interface Planned extends Plan {
  /** Services that are new or may differ from the last update. */
  readonly altered: Selection
  /** Removed services, as they were. */
  readonly gone: readonly PlannedService[]
  /** True when services are left for the next update. */
  readonly more: boolean
  /** Why new numbers are not written down; undefined: all are. */
  readonly failure: { readonly error: unknown } | undefined
}

export interface PlannerInput {
  readonly specs: readonly ServiceSpec[]
  readonly registry: Registry
  /** Keys of services whose shares must be calculated anew, whatever else has changed. */
  readonly due: ReadonlySet<string>
  /** Most services that this update plans; the others wait for the next. Default: all. */
  readonly most?: number
  /** What has been learnt about a service's connections. */
  knowledge(service: VirtualService): Knowledge
  readonly judged?: Judged
  /** Hosts that may bring services of their own. Default: none. */
  readonly authority?: HostServiceAuthority
}

export interface Planner {
  /**
   * Takes new and changed hosts for the next update: hosts with up to `most` real servers together, but at least one host.
   * Returns true when there are more.
   */
  take(registry: Registry, most: number): boolean
  /**
   * The same as `makePlan`, as far as what is known of connections was asked for. Where a number cannot be kept, or none is
   * left, whatever needs it waits and is a problem: real servers that are new, or the whole service, which stays as it was.
   * All else of the service is planned, and later updates try the rest again.
   */
  update(input: PlannerInput): Planned
  /** True when the service was in the last plan, with the real server if `id` is given. */
  has(key: string, id?: string): boolean
}

/**
 * The incremental form of plan.ts: a changed service, real server or host costs in proportion to the services that it touches.
 *
 * @param wasInForce - a service that only hosts have was in force before a restart
 */
export function createPlanner(
  numbers: Numbers,
  wasInForce: HostServices['wasInForce'] = NO_HOST_SERVICES.wasInForce,
): Planner {
  const roster = createRoster()
  const grouping = createGrouping(wasInForce)
  const plans = new Map<string, PlannedService>()
  /** Services to be planned; undefined: the service is gone. */
  const pending = new Map<string, VirtualService | undefined>()
  /** Those that lack a number, or some of whose real servers do. */
  const unnumbered = new Map<string, Unnumbered>()
  let services: readonly VirtualService[] = []
  let compiled: readonly CompiledService[] = []

  const take = (registry: Registry, most: number) => {
    const change = roster.update(registry, most)
    grouping.take(change)
    return change
  }

  return {
    take: (registry, most) => take(registry, most).more,
    update: input => {
      const { specs, registry, due, knowledge, judged, most = Number.POSITIVE_INFINITY } = input
      const { problems } = take(registry, Number.POSITIVE_INFINITY)
      const grouped = grouping.update(specs, input.authority ?? NO_HOST_SERVICES.authority)
      if (pending.size === 0) for (const [key, { service }] of unnumbered) pending.set(key, service)
      for (const [key, service] of grouped.changed) pending.set(key, service)
      for (const key of due) {
        const known = plans.get(key)
        if (known !== undefined && !pending.has(key)) pending.set(key, known.service)
      }
      const now = [...pending.entries().take(most)]
      const { planned, lacking, failure } = planByNumbers(
        now.flatMap(([, service]) => service ?? []),
        numbers,
        (service, given) => compileService(service, given, knowledge, judged),
      )
      // From here on nothing throws.
      const altered = [...planned.values()].flatMap(one => one ?? [])
      const left = now.flatMap(([key, service]) => (service === undefined ? (plans.get(key) ?? []) : []))
      const stays = (key: string) => planned.has(key) && planned.get(key) === undefined
      const before = new Set(now.flatMap(([key]) => (stays(key) ? [] : (plans.get(key)?.service ?? []))))
      for (const { service } of left) plans.delete(service.key)
      for (const planned of altered) plans.set(planned.service.key, planned)
      for (const [key] of now) {
        pending.delete(key)
        const one = lacking.get(key)
        if (one === undefined) unnumbered.delete(key)
        else unnumbered.set(key, one)
      }
      if (now.length > 0) {
        const come = altered.map(({ service }) => service)
        const all = pending.size + unnumbered.size === 0
        services = all ? grouped.services : updateSorted(services, before, come, ({ key }) => key)
        compiled = services.map(({ key }) => plans.get(key)!.compiled)
      }
      return {
        services,
        compiled,
        problems: [...problems, ...grouped.problems, ...unnumbered.values().map(withoutNumber)],
        altered: selectionOf(altered),
        gone: left,
        more: pending.size > 0,
        failure,
      }
    },
    has: (key, id) => {
      const known = plans.get(key)
      return known !== undefined && (id === undefined || known.service.realServers.some(rs => rs.id === id))
    },
  }
}

function withoutNumber({ service: { key, service }, ...why }: Unnumbered): RegistryProblem {
  return { subject: key, service, ...why }
}
