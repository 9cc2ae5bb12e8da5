import type { VirtualService } from '../registry/services.ts'
import type { RealServer } from '../registry/types.ts'

/** So many of a service's real servers fail their health checks, or do not accept, that all of them stay in scheduling. */
export interface Panic {
  readonly failing: number
  /** Counts ready and failing ones; those of weight 0 or down for another reason do not count. */
  readonly of: number
  /** The share (percent) from which a panic holds. */
  readonly from: number
}

/** When most fail at once, the checks or a common dependency are more likely to be at fault than the real servers. */
export function panicOf(realServers: readonly RealServer[]): Panic | undefined {
  const failing = realServers.filter(isFailing)
  const from = Math.max(0, ...failing.map(rs => rs.panic ?? 0))
  const ready = realServers.filter(rs => rs.state === 'ready' && rs.weight > 0 && rs.barred === undefined)
  const of = failing.length + ready.filter(rs => !isSorry(rs)).length
  // When all have failed and there is a sorry server, the sorry server answers instead.
  if (from === 100 && ready.some(isSorry)) return undefined
  return failing.length > 0 && from > 0 && failing.length * 100 >= from * of
    ? { failing: failing.length, of, from }
    : undefined
}

/** The service as the scheduler sees it: in a panic the real servers that fail their checks stay in. */
export function keptInPanic(service: VirtualService): VirtualService {
  const { realServers } = service
  if (panicOf(realServers) === undefined) return service
  return { ...service, realServers: realServers.map(rs => (isFailing(rs) ? kept(rs) : rs)) }
}

function kept({ barred: _, ...rs }: RealServer): RealServer {
  return { ...rs, state: 'ready' }
}

function isFailing(rs: RealServer): boolean {
  const fails = rs.state === 'down' || rs.barred !== undefined
  return fails && rs.panic !== undefined && rs.weight > 0 && !isSorry(rs)
}

function isSorry(rs: RealServer): boolean {
  return rs.terms?.sorry === true
}

export function panicText({ failing, of, from }: Panic): string {
  return `${failing} of ${of} real servers fail their health checks: all of them are kept in scheduling (panic from ${from} %)`
}
