import type { Request } from './clients.ts'
import type { Done } from './run.ts'

/** Requests to these services that were sent then (ms, wall clock) may fail. */
export interface Allowance {
  readonly services: readonly string[] | 'all'
  readonly from: number
  readonly to: number
}

/** A request that was under way when it began may fail, too. */
const UNDER_WAY_MS = 1000
/** A director that is back hears its hosts again, and acts. */
const BACK_MS = 4000

/**
 * What the deeds allow, and what the control has lost. What ends with something that the director does is prolonged while that is out itself: a VM
 * that dies while the director is frozen is scheduled until it is thawed. All of it takes longer on a machine that is busy: so much as
 * the control's slowest answer of that time.
 */
export function allowances(done: readonly Done[], control: readonly Request[]): Allowance[] {
  const out = done.filter(({ act, deed }) => act.lane === 'director' && deed.undo !== undefined)
  const slowest = ({ from, to }: Allowance) =>
    Math.max(0, ...control.filter(({ at }) => at >= from && at <= to).map(({ took }) => took))
  const stalls = control.filter(({ who }) => who === 'lost')
  const deeds = done
    .flatMap(({ deed: { loses }, from, undoing, to }): Allowance[] => {
      if (loses === undefined) return []
      const { services, atFirst, throughout = false, afterwards } = loses
      const spans: Allowance[] = []
      if (atFirst !== undefined) spans.push({ services, from, to: from + atFirst })
      if (throughout) spans.push({ services, from, to })
      if (afterwards !== undefined) spans.push({ services, from: undoing, to: to + afterwards })
      return spans
    })
    .map(span => {
      const ends = out.filter(({ from, to }) => from <= span.to && to >= span.from).map(({ to }) => to + BACK_MS)
      return { ...span, to: Math.max(span.to, ...ends) }
    })
    .map(span => ({ ...span, to: span.to + slowest(span) }))
  return [...deeds, ...stalls.map(({ at, took }): Allowance => ({ services: 'all', from: at, to: at + took }))]
}

export function excuses({ services, from, to }: Allowance, { service, at }: Request): boolean {
  return (services === 'all' || services.includes(service)) && at >= from - UNDER_WAY_MS && at <= to
}
