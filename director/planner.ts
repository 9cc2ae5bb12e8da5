import type { ServiceSpec } from '../shared/config/service.ts'
import type { CompiledService } from './compile/types.ts'
import { compileService, type Plan } from './plan.ts'
import { createGrouping } from './registry/grouping.ts'
import { createRoster } from './registry/roster.ts'
import type { VirtualService } from './registry/services.ts'
import type { Registry } from './registry/types.ts'
import type { Knowledge } from './schedule/schedule.ts'
import type { Numbers } from './store/numbers.ts'

/** Services with what they were compiled to, in the same order. */
export type Part = Pick<Plan, 'services' | 'compiled'>

export interface Planned extends Plan {
  /** Those that are new, or that may differ from the last update. */
  readonly altered: Part
  /** Those that are gone, as they were. */
  readonly gone: Part
}

export interface PlannerInput {
  readonly specs: readonly ServiceSpec[]
  readonly registry: Registry
  /** Keys of services whose shares are to be made anew, whatever else has changed. */
  readonly due: ReadonlySet<string>
  /** What has been learnt of a service's connections. */
  knowledge(service: VirtualService): Knowledge
}

export interface Planner {
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

  return {
    update: ({ specs, registry, due, knowledge }) => {
      const { gone, come, problems } = roster.update(registry)
      const grouped = grouping.update({ specs, gone, come })
      for (const [key, service] of grouped.changed) pending.set(key, service)
      for (const key of due) {
        const known = plans.get(key)
        if (known !== undefined && !pending.has(key)) pending.set(key, known.service)
      }
      const altered: Planning[] = []
      for (const service of pending.values()) {
        if (service !== undefined) altered.push({ service, compiled: compileService(service, numbers, knowledge) })
      }
      // From here on nothing throws.
      const left = [...pending].flatMap(([key, service]) => (service === undefined ? (plans.get(key) ?? []) : []))
      for (const { service } of left) plans.delete(service.key)
      for (const planning of altered) plans.set(planning.service.key, planning)
      if (pending.size > 0) {
        pending.clear()
        services = grouped.services
        compiled = services.map(({ key }) => plans.get(key)!.compiled)
      }
      return {
        services,
        compiled,
        problems: [...problems, ...grouped.problems],
        altered: part(altered),
        gone: part(left),
      }
    },
  }
}

function part(list: readonly Planning[]): Part {
  return { services: list.map(({ service }) => service), compiled: list.map(({ compiled }) => compiled) }
}
