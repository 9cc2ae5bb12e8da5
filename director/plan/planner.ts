import type { ServiceSpec } from '../../shared/config/service.ts'
import { updateSorted } from '../../shared/lists.ts'
import type { CompiledService } from '../compile/types.ts'
import { compileService, type Judged, type Plan } from './plan.ts'
import { createGrouping } from '../registry/grouping.ts'
import { createRoster } from '../registry/roster.ts'
import type { VirtualService } from '../registry/services.ts'
import type { Registry } from '../registry/types.ts'
import type { Knowledge } from '../schedule/schedule.ts'
import type { Numbers } from '../store/numbers.ts'

/** Services with what they were compiled to, in the same order. */
export type Part = Pick<Plan, 'services' | 'compiled'>

export interface Planned extends Plan {
  /** Those that are new, or that may differ from the last update. */
  readonly altered: Part
  /** Those that are gone, as they were. */
  readonly gone: Part
  /** Some are left for the next update. */
  readonly more: boolean
}

export interface PlannerInput {
  readonly specs: readonly ServiceSpec[]
  readonly registry: Registry
  /** Keys of services whose shares are to be made anew, whatever else has changed. */
  readonly due: ReadonlySet<string>
  /** Services that are planned in this update; the others wait for the next. Default: all. */
  readonly most?: number
  /** What has been learnt of a service's connections. */
  knowledge(service: VirtualService): Knowledge
  readonly judged?: Judged
}

export interface Planner {
  /**
   * Takes hosts that have come or changed, for the next update: up to `most` real servers, and a host's more. True: there
   * are more.
   */
  take(registry: Registry, most: number): boolean
  /**
   * The same as `makePlan`, as far as what is known of connections was asked for. Throws STORE_FAILED when a number
   * cannot be kept; what was not planned then is planned by the next update.
   */
  update(input: PlannerInput): Planned
}

interface Planning {
  readonly service: VirtualService
  readonly compiled: CompiledService
}

/** The incremental form of plan.ts: a changed service, real server or host costs in proportion to the services it touches. */
export function createPlanner(numbers: Numbers): Planner {
  const roster = createRoster()
  const grouping = createGrouping()
  const plans = new Map<string, Planning>()
  /** To be planned; undefined: gone. */
  const pending = new Map<string, VirtualService | undefined>()
  let services: readonly VirtualService[] = []
  let compiled: readonly CompiledService[] = []

  const take = (registry: Registry, most: number) => {
    const change = roster.update(registry, most)
    grouping.take(change)
    return change
  }

  return {
    take: (registry, most) => take(registry, most).more,
    update: ({ specs, registry, due, knowledge, judged, most = Number.POSITIVE_INFINITY }) => {
      const { problems } = take(registry, Number.POSITIVE_INFINITY)
      const grouped = grouping.update(specs)
      for (const [key, service] of grouped.changed) pending.set(key, service)
      for (const key of due) {
        const known = plans.get(key)
        if (known !== undefined && !pending.has(key)) pending.set(key, known.service)
      }
      const now = [...pending.entries().take(most)]
      const altered = now.flatMap(([, service]) =>
        service === undefined ? [] : { service, compiled: compileService(service, numbers, knowledge, judged) },
      )
      numbers.save()
      // From here on nothing throws.
      const left = now.flatMap(([key, service]) => (service === undefined ? (plans.get(key) ?? []) : []))
      const before = new Set(now.flatMap(([key]) => plans.get(key)?.service ?? []))
      for (const { service } of left) plans.delete(service.key)
      for (const planning of altered) plans.set(planning.service.key, planning)
      for (const [key] of now) pending.delete(key)
      if (now.length > 0) {
        const come = altered.map(({ service }) => service)
        services = pending.size === 0 ? grouped.services : updateSorted(services, before, come, ({ key }) => key)
        compiled = services.map(({ key }) => plans.get(key)!.compiled)
      }
      return {
        services,
        compiled,
        problems: [...problems, ...grouped.problems],
        altered: part(altered),
        gone: part(left),
        more: pending.size > 0,
      }
    },
  }
}

function part(list: readonly Planning[]): Part {
  return { services: list.map(({ service }) => service), compiled: list.map(({ compiled }) => compiled) }
}
