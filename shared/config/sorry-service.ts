import type { RealServerSpec, ServiceSpec, SpecProblem } from './service.ts'

export interface Completed {
  readonly specs: readonly ServiceSpec[]
  /** Services whose `sorryService` does not exist: they are in force without it. */
  readonly problems: readonly SpecProblem[]
}

/**
 * Gives every service with a `sorryService` the real servers of that service, as sorry servers of its own. So agents and director
 * need no other rule, and each host delivers to them at this VIP too. Where both services name a VM and port, the service's own
 * entry holds. What has not changed stays the same object.
 */
export function createSorryServices(): (specs: readonly ServiceSpec[]) => Completed {
  const made = new WeakMap<ServiceSpec, { readonly of: ServiceSpec; readonly spec: ServiceSpec }>()
  let last: { readonly specs: readonly ServiceSpec[]; readonly result: Completed } | undefined

  const complete = (spec: ServiceSpec, of: ServiceSpec): ServiceSpec => {
    const known = made.get(spec)
    if (known?.of === of) return known.spec
    const own = new Set(spec.realServers.map(entryOf))
    const origin = of.source.origin === 'director' ? { origin: of.source.origin } : {}
    const more = of.realServers.filter(rs => !own.has(entryOf(rs)))
    const completed = {
      ...spec,
      realServers: [...spec.realServers, ...more.map(rs => ({ ...rs, sorry: true, ...origin }))],
    }
    made.set(spec, { of, spec: completed })
    return completed
  }

  const work = (specs: readonly ServiceSpec[]): Completed => {
    if (!specs.some(spec => spec.sorryService !== undefined)) return { specs, problems: [] }
    const byName = new Map(specs.map(spec => [spec.service, spec]))
    const problems: SpecProblem[] = []
    const completed = specs.map(spec => {
      if (spec.sorryService === undefined) return spec
      const of = byName.get(spec.sorryService)
      if (of !== undefined) return complete(spec, of)
      problems.push(notThere(spec))
      return spec
    })
    return { specs: completed, problems }
  }

  return specs => {
    if (last?.specs !== specs) last = { specs, result: work(specs) }
    return last.result
  }
}

const entryOf = ({ vm, port }: RealServerSpec) => `${vm} ${port}`

function notThere({ service, sorryService, source: { file, line } }: ServiceSpec): SpecProblem {
  const reason = `sorryService: there is no service '${sorryService}'; '${service}' is in force without it`
  return { file, line, column: 1, service, reason, lastGood: false }
}
