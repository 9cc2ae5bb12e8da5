import type { VirtualService } from '../registry/services.ts'
import type { RealServer } from '../registry/types.ts'
import { algorithms } from './algorithms/index.ts'
import { apportion, SLOTS } from './apportion.ts'
import { copies, HASH_FIELD, isHashed } from './hashed.ts'
import { LEAST_RAMP, type Lives, RAMP_STEPS, ramp } from './lives.ts'
import type { ServiceLoad } from './load.ts'
import { type Turns, turns } from './turns.ts'
import type { Candidate, Share, Shared } from './types.ts'

/** What the switch must do with the real servers of one virtual service. */
export interface Schedule {
  /** Shares of new connections, sorted by id. Empty when turns decide, or when no real server can serve. */
  readonly shares: readonly Share[]
  /** The order in which new connections are given out. */
  readonly turns?: Turns
  /** The address whose hash chooses among equal slots; undefined: the shares are proportions. */
  readonly hashField?: 'src' | 'dst'
  /** Real servers whose established connections go on; `newConnections`: whether a new one may reuse an old mark. */
  readonly established: readonly { readonly id: string; readonly newConnections: boolean }[]
}

/** What is known besides the registrations. Without it new connections are shared by weight. */
export interface Knowledge {
  readonly now: number
  readonly lives?: Lives
  readonly load?: ServiceLoad | undefined
  /** Hosts are asked about persistent clients that the connection table does not know. */
  readonly recalled?: boolean
  /** Milliseconds until shares may change again, which tells how many connections to expect. */
  readonly horizonMs?: number
}

/** Connections to expect for each candidate at least, so that a burst after silence does not all go to the least loaded one. */
const LEAST_EXPECTED = 2

type Schedulable = Pick<VirtualService, 'scheduler' | 'realServers' | 'options'>

/**
 * A real server gets new connections when its agent reports it ready, its weight is above 0, and it is below its upper threshold;
 * sorry servers only when there is no other. Established connections go on while the real server may still be there: draining
 * (for as long as `drainTimeout` allows), lost with its agent, or for a moment not ready; with `onFailure: keep` also on one that
 * is down. A connection attempt that repeats the 5-tuple of such a connection is scheduled anew, as IPVS does (ip_vs_core.c,
 * is_new_conn).
 */
export function schedule(service: Schedulable, knowledge: Knowledge = { now: 0 }): Schedule {
  const { realServers, options } = service
  const serving = realServers.filter(rs => isReady(rs) && knowledge.load?.servers.get(rs.id)?.full !== true)
  const regular = serving.filter(rs => rs.terms?.sorry !== true)
  const chosen = regular.length > 0 ? regular : serving
  const ids = new Set(chosen.map(rs => rs.id))
  const choice = isHashed(service.scheduler)
    ? { shares: hashedShares(realServers, chosen), hashField: HASH_FIELD[service.scheduler] }
    : byLoad(service.scheduler, service, chosen, knowledge)
  return {
    ...choice,
    established: realServers
      .filter(rs => (rs.state !== 'down' || options.onFailure === 'keep') && !isDrained(rs, service, knowledge))
      .map(rs => ({ id: rs.id, newConnections: ids.has(rs.id) })),
  }
}

function hashedShares(all: readonly RealServer[], chosen: readonly RealServer[]): readonly Share[] {
  const counts = copies(
    chosen.map(rs => rs.weight),
    all.map(rs => rs.weight),
  )
  return chosen.map((rs, i) => ({ id: rs.id, slots: counts[i]! }))
}

function byLoad(
  scheduler: Shared,
  service: Schedulable,
  chosen: readonly RealServer[],
  knowledge: Knowledge,
): Pick<Schedule, 'shares' | 'turns'> {
  if (chosen.length === 0) return { shares: [] }
  const { load, lives, now, horizonMs = 1000 } = knowledge
  const slowStartMs = (service.options.slowStart ?? 0) * 1000
  const candidates = chosen.map((rs): Candidate => {
    const ramped = rs.barred === 'trial' ? LEAST_RAMP : ramp(lives?.get(rs.id), slowStartMs, now)
    const { opened = 0, active = 0 } = load?.servers.get(rs.id) ?? {}
    return { id: rs.id, weight: rs.weight * ramped, ramp: ramped, opened, active }
  })
  const order = load?.many === true ? undefined : turns(scheduler, candidates)
  if (order !== undefined) return { shares: [], turns: order }
  const expected = Math.max(LEAST_EXPECTED * candidates.length, ((load?.peak ?? 0) * horizonMs) / 1000)
  const slots = apportion(algorithms[scheduler](candidates, expected), SLOTS, load === undefined ? 1 : 0)
  return { shares: candidates.flatMap(({ id }, i) => (slots[i]! > 0 ? [{ id, slots: slots[i]! }] : [])) }
}

/**
 * Identifies everything that `opened` depends on. When this changes, `opened` counts anew, because otherwise a new real server
 * would be flooded.
 */
export function epochOf(service: Schedulable, { lives, now }: Knowledge): string {
  const slowStartMs = (service.options.slowStart ?? 0) * 1000
  return service.realServers
    .filter(isReady)
    .map(
      rs =>
        `${rs.id} ${rs.weight} ${rs.barred ?? ''} ${Math.floor(RAMP_STEPS * ramp(lives?.get(rs.id), slowStartMs, now))}`,
    )
    .join('\n')
}

function isDrained(rs: RealServer, { options }: Schedulable, { lives, now }: Knowledge): boolean {
  if (options.drainTimeout === undefined) return false
  const life = lives?.get(rs.id)
  return life?.phase === 'draining' && now - life.since >= options.drainTimeout * 1000
}

function isReady(rs: RealServer): boolean {
  return rs.state === 'ready' && rs.weight > 0 && rs.barred !== 'out'
}
