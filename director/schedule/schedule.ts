import type { Scheduler } from '../../shared/config/service.ts'
import type { RealServer } from '../registry/types.ts'
import { algorithms } from './algorithms/index.ts'
import { apportion } from './apportion.ts'
import type { Share } from './types.ts'

/** What the switch has to do with the real servers of one virtual service. */
export interface Schedule {
  /** New connections, in the order of the ids. Empty: nobody can serve. */
  readonly shares: readonly Share[]
  /** Real servers whose established connections go on, with what may ride on an old mark. */
  readonly established: readonly { readonly id: string; readonly newConnections: boolean }[]
}

/**
 * Only what its agent reports ready, with a weight above 0, gets new connections. Established connections go on while
 * the real server may still be there: draining, lost with its agent, or for a moment not ready. A connection attempt
 * that repeats the 5-tuple of such a one is scheduled anew, as IPVS does (ip_vs_core.c, is_new_conn).
 */
export function schedule(scheduler: Scheduler, realServers: readonly RealServer[]): Schedule {
  const candidates = realServers.filter(isCandidate)
  const slots = apportion(algorithms[scheduler](candidates))
  return {
    shares: candidates.map((rs, i) => ({ id: rs.id, slots: slots[i]! })),
    established: realServers
      .filter(rs => rs.state !== 'down')
      .map(rs => ({ id: rs.id, newConnections: isCandidate(rs) })),
  }
}

function isCandidate(rs: RealServer): boolean {
  return rs.state === 'ready' && rs.weight > 0
}
