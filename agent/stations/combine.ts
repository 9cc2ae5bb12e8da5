import { place } from '../../shared/config/conflicts.ts'
import type { ServiceSpec, SpecProblem } from '../../shared/config/service.ts'

/** Directors (by address) whose version of a service is in force although another's differs, by the service's name. */
export type Contested = Readonly<Record<string, string>>

export interface Combined {
  readonly specs: readonly ServiceSpec[]
  readonly problems: readonly SpecProblem[]
  readonly contested: Contested
}

interface Offered {
  readonly director: string
  readonly spec: ServiceSpec
}

/**
 * The services of all directors. Those that say the same of a service are one. Where they differ, what was in force stays as
 * long as one of them says it, else the word of the director that it was from; of two that come at once, that of the first in
 * the configuration. A service that was there goes before one that comes, so that of two that conflict the newcomer loses.
 *
 * @param remembered - what was in force before a restart
 */
export function createCombiner(remembered: Contested) {
  let chosen: ReadonlyMap<string, Offered> = new Map()
  let contested = remembered

  const choose = (service: string, offers: readonly Offered[]): Offered => {
    const before = chosen.get(service)
    const text = before && textOf(before.spec)
    const same = offers.filter(({ spec }) => textOf(spec) === text)
    const whose = before?.director ?? contested[service]
    const those = same.length > 0 ? same : offers
    return those.find(({ director }) => director === whose) ?? those[0]!
  }

  /** @param byDirector - in the order of the configuration */
  return (byDirector: ReadonlyMap<string, readonly ServiceSpec[]>): Combined => {
    const offers = new Map<string, Offered[]>([...chosen.keys()].map(service => [service, []]))
    /** A director that has a service twice is told of that where services are merged. */
    const twice: ServiceSpec[] = []
    for (const [director, specs] of byDirector) {
      for (const spec of specs) {
        const there = offers.get(spec.service)
        if (there === undefined) offers.set(spec.service, [{ director, spec }])
        else if (there.at(-1)?.director === director) twice.push(spec)
        else there.push({ director, spec })
      }
    }
    const next = new Map<string, Offered>()
    const disputes: [string, string][] = []
    const problems: SpecProblem[] = []
    for (const [service, all] of offers) {
      if (all.length === 0) continue
      const winner = all.length === 1 ? all[0]! : choose(service, all)
      next.set(service, winner)
      const others = all.filter(one => one !== winner && textOf(one.spec) !== textOf(winner.spec))
      if (others.length > 0) disputes.push([service, winner.director])
      for (const other of others) problems.push(dispute(winner, other))
    }
    chosen = next
    if (JSON.stringify(disputes) !== JSON.stringify(Object.entries(contested))) contested = Object.fromEntries(disputes)
    return { specs: [...[...next.values()].map(({ spec }) => spec), ...twice], problems, contested }
  }
}

/** All that it says, but for where it is written. */
const textOf = ({ source, ...spec }: ServiceSpec): string => JSON.stringify(spec)

function dispute(winner: Offered, { director, spec }: Offered): SpecProblem {
  const reason =
    `director ${director} has service '${spec.service}' (${place(spec)}) otherwise than director ${winner.director} ` +
    `(${place(winner.spec)}), whose version is in force; make the two equal`
  const { file, line } = spec.source
  return { file, line, column: 1, service: spec.service, reason, lastGood: false }
}
