import { CONTROL, DIRECT, type Request } from './clients.ts'
import type { Done } from './run.ts'
import { CHECK_TIMEOUT_MS, CHECKED, CHECKED_MS } from './world.ts'

/** Requests to these services that were sent then (ms, wall clock) may fail. */
export interface Allowance {
  readonly services: readonly string[] | 'all'
  readonly from: number
  readonly to: number
}

/** A request that was under way when it began may fail, too. */
const UNDER_WAY_MS = 1000
/** A host dials a director that is back after so long at most (operations.md); then the director acts. */
const BACK_MS = 5000

/**
 * What the deeds allow. What ends with something that the director does is prolonged while that is out itself: a VM that dies
 * while the director is frozen is scheduled until it is thawed, and a file that comes back meanwhile takes its time from then.
 * So is what a file asks of a host whose agent is away. All of it takes longer on a machine that is busy: so much as the
 * control's slowest answer of that time.
 */
function allowedBy(done: readonly Done[], control: readonly Request[]): Allowance[] {
  const out = done.filter(({ act, deed }) => deed.undo !== undefined && (act.lane === 'director' || deed.deafens))
  const slowest = ({ from, to }: Allowance) =>
    Math.max(0, ...control.filter(({ at }) => at >= from && at <= to).map(({ took }) => took))
  return done
    .flatMap(({ deed: { loses }, from, undoing, to }) => {
      if (loses === undefined) return []
      const { services, atFirst, throughout = false, afterwards } = loses
      const spans: (Allowance & { readonly anew: number })[] = []
      if (atFirst !== undefined) spans.push({ services, from, to: from + atFirst, anew: 0 })
      if (throughout) spans.push({ services, from, to, anew: 0 })
      if (afterwards !== undefined) spans.push({ services, from: undoing, to: to + afterwards, anew: afterwards })
      return spans
    })
    .map(({ anew, ...span }): Allowance => {
      const meanwhile = out.filter(({ from, to }) => from <= span.to && to >= span.from)
      return { ...span, to: Math.max(span.to, ...meanwhile.map(({ to }) => to + BACK_MS + anew)) }
    })
    .map(span => ({ ...span, to: span.to + slowest(span) }))
}

/**
 * What the machine has lost: requests beside those that the control has lost, or the VM by its own address while nothing was
 * done to it; and those to a VM that is then too slow for its check, which takes it out.
 */
function lostByMachine(done: readonly Done[], requests: readonly Request[]): Allowance[] {
  const breaking = done.filter(({ act, deed }) => act.lane === 'hosts' && deed.loses !== undefined)
  const broken = ({ at }: Request) =>
    breaking.some(({ from, to }) => at >= from - UNDER_WAY_MS && at <= to + UNDER_WAY_MS)
  const direct = requests.filter(request => request.service === DIRECT && !broken(request))
  const stalls = [...requests.filter(({ service }) => service === CONTROL), ...direct]
    .filter(({ who }) => who === 'lost')
    .map(({ at, took }): Allowance => ({ services: 'all', from: at, to: at + took }))
  const slow = direct
    .filter(({ who, took }) => who === 'lost' || took > CHECK_TIMEOUT_MS)
    .map(({ at, took }): Allowance => ({ services: CHECKED, from: at, to: at + took + CHECKED_MS }))
  return [...stalls, ...slow]
}

/** `requests`: of all clients. */
export function allowances(done: readonly Done[], requests: readonly Request[]): Allowance[] {
  const control = requests.filter(({ service }) => service === CONTROL)
  return [...allowedBy(done, control), ...lostByMachine(done, requests)]
}

export function excuses({ services, from, to }: Allowance, { service, at }: Request): boolean {
  return (services === 'all' || services.includes(service)) && at >= from - UNDER_WAY_MS && at <= to
}
