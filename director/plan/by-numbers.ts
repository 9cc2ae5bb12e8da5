import { messageOf } from '../../shared/errors.ts'
import type { CompiledService } from '../compile/types.ts'
import type { VirtualService } from '../registry/services.ts'
import { isUsedUp, type NumberKind, type Numbers } from '../store/numbers.ts'
import { keptPart, type PlannedService } from './plan.ts'

/** A service that waits for a number, or some of whose real servers do. */
export interface Unnumbered {
  /** As it is wanted. */
  readonly service: VirtualService
  readonly reason: string
  readonly code?: 'STORE_FAILED'
}

export interface PlannedByNumbers {
  /** By key; undefined: the service stays as it was. */
  readonly planned: ReadonlyMap<string, PlannedService | undefined>
  readonly lacking: ReadonlyMap<string, Unnumbered>
  /** Why new numbers are not written down. */
  readonly failure: { readonly error: unknown } | undefined
}

type Compile = (service: VirtualService, numbers: Numbers) => CompiledService

const NONE_LEFT = 'no number is left for it: services that are gone give theirs back when their connections have ended'

/**
 * Compiles these services, and writes down the numbers that are new. Of a service that lacks one, all that does without is
 * planned: a real server that is gone must not go on being scheduled because another has come.
 */
export function planByNumbers(
  services: readonly VirtualService[],
  numbers: Numbers,
  compile: Compile,
): PlannedByNumbers {
  const planned = new Map<string, PlannedService | undefined>()
  const lacking = new Map<string, Unnumbered>()
  const isKept = (service: VirtualService): boolean => {
    const { asked, noting } = noted(numbers)
    compile(service, noting)
    return asked.every(([kind, name]) => numbers.isKept(kind, name))
  }
  const planPart = (service: VirtualService, why: Omit<Unnumbered, 'service'>) => {
    const part = keptPart(service, numbers)
    planned.set(service.key, part && { service: part, compiled: compile(part, numbers) })
    lacking.set(service.key, { service, ...why })
  }

  for (const service of services) {
    try {
      planned.set(service.key, { service, compiled: compile(service, numbers) })
    } catch (error) {
      if (!isUsedUp(error)) throw error
      planPart(service, { reason: NONE_LEFT })
    }
  }
  try {
    numbers.save()
    return { planned, lacking, failure: undefined }
  } catch (error) {
    const reason = `its number cannot be written down: ${messageOf(error)}`
    const unkept = services.filter(service => !lacking.has(service.key) && !isKept(service))
    for (const service of unkept) planPart(service, { reason, code: 'STORE_FAILED' })
    return { planned, lacking, failure: { error } }
  }
}

/** The same numbers, with a note of each that is asked for. */
function noted(numbers: Numbers) {
  const asked: (readonly [NumberKind, string])[] = []
  const noting: Numbers = {
    of: (kind, name) => {
      asked.push([kind, name])
      return numbers.of(kind, name)
    },
    isKept: (kind, name) => numbers.isKept(kind, name),
    save: () => numbers.save(),
  }
  return { asked, noting }
}
