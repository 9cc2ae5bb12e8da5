import type { ServiceSpec } from '../../shared/config/service.ts'
import { updateSorted } from '../../shared/lists.ts'
import type { CompiledService } from '../compile/types.ts'
import { createGrouping } from '../registry/grouping.ts'
import { createRoster } from '../registry/roster.ts'
import type { VirtualService } from '../registry/services.ts'
import type { Registry, RegistryProblem } from '../registry/types.ts'
import type { Knowledge } from '../schedule/schedule.ts'
import { isUsedUp, type Numbers } from '../store/numbers.ts'
import { compileService, type Judged, type Plan, type PlannedService, type Selection, selectionOf } from './plan.ts'

export interface Planned extends Plan {
  /** Services that are new or may differ from the last update. */
  readonly altered: Selection
  /** Removed services, as they were. */
  readonly gone: readonly PlannedService[]
  /** True when services are left for the next update. */
  readonly more: boolean
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
}

export interface Planner {
  /**
   * Takes new and changed hosts for the next update: hosts with up to `most` real servers together, but at least one host.
   * Returns true when there are more.
   */
  take(registry: Registry, most: number): boolean
  /**
   * Returns the same as `makePlan` for the services planned so far. Throws STORE_FAILED when a number cannot be written; the next
   * update plans what is missing then. A service for which no number is left stays as it was and becomes a problem; later updates
   * try again.
   */
  update(input: PlannerInput): Planned
  /** True when the service was in the last plan. */
  has(key: string): boolean
}

/**
 * The incremental form of plan.ts: a changed service, real server or host costs in proportion to the services that it touches.
 */
export function createPlanner(numbers: Numbers): Planner {
  const roster = createRoster()
  const grouping = createGrouping()
  const plans = new Map<string, PlannedService>()
  /** Services to be planned; undefined: the service is gone. */
  const pending = new Map<string, VirtualService | undefined>()
  /** Services for which no number was left. */
  const unnumbered = new Map<string, VirtualService>()
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
      if (pending.size === 0) for (const [key, service] of unnumbered) pending.set(key, service)
      for (const [key, service] of grouped.changed) pending.set(key, service)
      for (const key of due) {
        const known = plans.get(key)
        if (known !== undefined && !pending.has(key)) pending.set(key, known.service)
      }
      const now = [...pending.entries().take(most)]
      const altered: PlannedService[] = []
      const failed = new Map<string, VirtualService>()
      for (const [key, service] of now) {
        if (service === undefined) continue
        try {
          altered.push({ service, compiled: compileService(service, numbers, knowledge, judged) })
        } catch (error) {
          if (!isUsedUp(error)) throw error
          failed.set(key, service)
        }
      }
      numbers.save()
      // Nothing throws from here on.
      const left = now.flatMap(([key, service]) => (service === undefined ? (plans.get(key) ?? []) : []))
      const before = new Set(now.flatMap(([key]) => (failed.has(key) ? [] : (plans.get(key)?.service ?? []))))
      for (const { service } of left) plans.delete(service.key)
      for (const planned of altered) plans.set(planned.service.key, planned)
      for (const [key] of now) {
        pending.delete(key)
        const service = failed.get(key)
        if (service === undefined) unnumbered.delete(key)
        else unnumbered.set(key, service)
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
      }
    },
    has: key => plans.has(key),
  }
}

function withoutNumber({ key, service }: VirtualService): RegistryProblem {
  const reason = 'no number is left for it: removed services give theirs back when their connections have ended'
  return { subject: key, service, reason }
}
