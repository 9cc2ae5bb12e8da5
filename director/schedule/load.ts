/** What a real server has done and carries, updated at each reading. */
export interface ServerLoad {
  /** The switch's counters at the last reading: connections opened, connections seen to end. */
  readonly total: number
  readonly ended: number
  /** Connections opened since the candidates last changed. */
  readonly opened: number
  readonly active: number
  /** It has reached its upper threshold and not yet fallen below the lower one (ipvsadm(8), --u-threshold). */
  readonly full: boolean
}

/** The load of one virtual service, by real server. Pure data; each reading makes a new one. */
export interface ServiceLoad {
  /** Clock milliseconds of the reading. */
  readonly at: number
  /** New connections a second in the last interval. */
  readonly rate: number
  /** The greatest recent rate: what to expect before shares are changed again. */
  readonly peak: number
  /** New connections of about the last second. */
  readonly recent: number
  /** So many connections come that turns (compile/features/turn.ts) would cost the switch too much. */
  readonly many: boolean
  /** Clock milliseconds until which `many` lasts if no more come. */
  readonly manyUntil: number
  /** Identifies the candidates and their weights: `opened` counts from their last change. */
  readonly epoch: string
  readonly servers: ReadonlyMap<string, ServerLoad>
}

export interface Thresholds {
  readonly upper: number
  /** 0: three quarters of `upper`. */
  readonly lower: number
}

export interface Reading {
  readonly at: number
  readonly epoch: string
  /** By real server; one that is missing has had no connection yet. */
  readonly counters: ReadonlyMap<string, { readonly opened: number; readonly ended: number }>
  /** Connections of the opened ones that have ended without being counted (balance/forgotten.ts). */
  readonly forgotten?: ReadonlyMap<string, number>
  /** All real servers, with their thresholds where they have some. */
  readonly servers: ReadonlyMap<string, Thresholds | undefined>
  /**
   * Milliseconds after which an idle connection is forgotten; only for UDP, where no packet shows the end. UDP connections count
   * as active for about this time, with decreasing weight.
   */
  readonly idleMs?: number
  /** Recent connections from which `many` holds; default 1,000. */
  readonly manyFrom?: number
}

/** Milliseconds in which a peak that does not recur decays by two thirds. */
const PEAK_MS = 3000

/** Recent connections from which `many` holds. A few hundred are never many. */
const MANY = 1000
/**
 * Milliseconds for which `many` lasts after the last time that so many came. Each return to turns leaves cached flows for single
 * connections in the switch for a while, and bursts tend to recur.
 */
const MANY_MS = 30_000

/** The load after a reading. A counter that has decreased began anew: the switch was restarted, with an empty table. */
export function observe(before: ServiceLoad | undefined, reading: Reading): ServiceLoad {
  const { at, epoch, counters } = reading
  const elapsed = before === undefined ? 1000 : Math.max(1, at - before.at)
  const sameEpoch = before?.epoch === epoch
  const servers = new Map<string, ServerLoad>()
  let came = 0
  for (const [id, thresholds] of reading.servers) {
    const last = before?.servers.get(id)
    const counted = counters.get(id) ?? { opened: 0, ended: 0 }
    const restarted = last !== undefined && counted.opened < last.total
    const opened =
      counted.opened - (last === undefined ? (before === undefined ? counted.opened : 0) : restarted ? 0 : last.total)
    came += opened
    const active =
      reading.idleMs === undefined
        ? Math.max(0, counted.opened - counted.ended - (reading.forgotten?.get(id) ?? 0))
        : (restarted ? 0 : (last?.active ?? 0)) * Math.exp(-elapsed / reading.idleMs) + opened
    servers.set(id, {
      total: counted.opened,
      ended: counted.ended,
      opened: (sameEpoch ? (last?.opened ?? 0) : 0) + opened,
      active,
      full: isFull(active, last?.full ?? false, thresholds),
    })
  }
  const rate = (came / elapsed) * 1000
  const peak = Math.max(rate, (before?.peak ?? 0) * Math.exp(-elapsed / PEAK_MS))
  const recent = (before?.recent ?? 0) * Math.exp(-elapsed / 1000) + came
  const { manyFrom = MANY } = reading
  const manyUntil = recent >= manyFrom ? at + MANY_MS : (before?.manyUntil ?? at)
  return { at, epoch, rate, peak, recent, many: at < manyUntil, manyUntil, servers }
}

/** Follows IPVS (ip_vs_conn.c, ip_vs_dest_update_overload… ip_vs_unbind_dest). */
function isFull(active: number, before: boolean, thresholds: Thresholds | undefined): boolean {
  if (thresholds === undefined || thresholds.upper === 0) return false
  if (active >= thresholds.upper) return true
  const release = thresholds.lower > 0 ? thresholds.lower : (thresholds.upper * 3) / 4
  return before && active >= release
}
