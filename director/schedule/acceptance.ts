/** The switch's counters of one real server, since its flows exist. */
export interface Accepted {
  /** New connections sent to it. */
  readonly opened: number
  /** Its SYN-ACKs, repeated ones included. */
  readonly accepted: number
  /** Connections that it has reset, accepted ones included. */
  readonly reset: number
}

/** The counts of the interval between two readings. */
export interface Interval {
  readonly ms: number
  readonly opened: number
  readonly accepted: number
  /** RSTs to a SYN: at most the number of connections that were opened and not accepted. */
  readonly refused: number
}

/**
 * `out`: it does not accept. Where the service file acts on that, it gets a trial connection after a while: `trial` until one
 * comes, `tried` while one waits for its answer.
 */
export type Phase = 'accepting' | 'out' | 'trial' | 'tried'

/** Whether a real server accepts connections, updated at each reading. Times are clock milliseconds. */
export interface Acceptance {
  readonly at: number
  readonly counted: Accepted
  /** The newest interval in which something was counted. */
  readonly interval: Interval | undefined
  /** New connections since the last accepted one, how many of them it has refused, and when the first was counted. */
  readonly unanswered: number
  readonly refused: number
  readonly since: number
  readonly phase: Phase
  /** When the phase began. */
  readonly phaseAt: number
  /** How often it fell or failed a trial without having accepted for long in between. */
  readonly falls: number
}

export interface AcceptanceRules {
  /** New connections in a row without an accepted one that take it down. */
  readonly fall: number
  /** Milliseconds until a trial; undefined: its state is only reported. */
  readonly retryMs: number | undefined
}

export interface AcceptanceReading {
  readonly at: number
  readonly counted: Accepted
  /** Its host has sent signals. Without any, silence says nothing about the real server. */
  readonly heard: boolean
  /** New connections may have got no entry in the table, so that their answers were not counted. */
  readonly blind?: boolean
}

/** Longest time for an answer: a busy guest answers late, and a client first repeats its SYN after a second. */
export const GRACE_MS = 2000
/** The wait for a trial doubles with each failed trial, up to this. */
const LONGEST_MS = 300_000
/** Falls are forgotten after it has accepted for this multiple of `retryMs`. */
const FORGIVEN = 10

export const DEFAULT_FALL = 5

/** The state after a reading. The first one, a blind one, and one after the counters have begun anew only set the start. */
export function judge(
  before: Acceptance | undefined,
  { at, counted, heard, blind = false }: AcceptanceReading,
  { fall, retryMs }: AcceptanceRules,
): Acceptance {
  const delta = blind ? undefined : before && difference(before.counted, counted)
  if (before === undefined || delta === undefined) {
    const kept = before ?? { phase: 'accepting', phaseAt: at, falls: 0 }
    const { phase, phaseAt, falls } = kept
    return { at, counted, interval: before?.interval, unanswered: 0, refused: 0, since: at, phase, phaseAt, falls }
  }
  const refusedNow = Math.min(delta.reset, Math.max(0, delta.opened - delta.accepted))
  const interval =
    delta.opened + delta.accepted > 0
      ? { ms: at - before.at, opened: delta.opened, accepted: delta.accepted, refused: refusedNow }
      : before.interval
  const accepts = delta.accepted > 0
  const unanswered = accepts ? 0 : before.unanswered + delta.opened
  // A reset may be counted one reading later than its SYN.
  const refused = accepts ? 0 : Math.min(unanswered, before.refused + delta.reset)
  const since = before.unanswered > 0 && !accepts ? before.since : at
  const next = { at, counted, interval, unanswered, refused, since }
  const stay = { ...next, phase: before.phase, phaseAt: before.phaseAt, falls: before.falls }
  const enter = (phase: Phase, falls = before.falls): Acceptance => ({ ...next, phase, phaseAt: at, falls })
  const fallsNow = at - before.phaseAt >= FORGIVEN * (retryMs ?? 0) && before.phase === 'accepting' ? 0 : before.falls
  const failed = (count: number) => refused >= count || (unanswered >= count && at - since >= GRACE_MS)

  if (accepts) return before.phase === 'accepting' ? stay : enter('accepting')
  if (before.phase === 'accepting') return heard && failed(fall) ? enter('out', fallsNow + 1) : stay
  if (retryMs === undefined) return before.phase === 'out' ? stay : enter('out')
  if (before.phase === 'out')
    return at - before.phaseAt < waitOf(before.falls, retryMs) ? stay : { ...enter('trial'), unanswered: 0, refused: 0 }
  if (unanswered === 0) return stay
  if (failed(1)) return enter('out', before.falls + 1)
  return before.phase === 'tried' ? stay : enter('tried')
}

/** Milliseconds from a fall to the trial. */
export function waitOf(falls: number, retryMs: number): number {
  return Math.max(retryMs, Math.min(LONGEST_MS, retryMs * 2 ** Math.min(20, Math.max(0, falls - 1))))
}

/** Returns undefined when the counters have begun anew. */
function difference(before: Accepted, after: Accepted): Accepted | undefined {
  const opened = after.opened - before.opened
  const accepted = after.accepted - before.accepted
  const reset = after.reset - before.reset
  return opened < 0 || accepted < 0 || reset < 0 ? undefined : { opened, accepted, reset }
}

/** Whether a real server is barred from scheduling: fully, or up to one trial connection. */
export function barredBy({ phase }: Acceptance): 'out' | 'trial' | undefined {
  return phase === 'accepting' ? undefined : phase === 'trial' ? 'trial' : 'out'
}

export function acceptanceText({ unanswered, refused, phase }: Acceptance): string {
  if (phase === 'trial') return 'does not accept; its trial connection has not come yet'
  const counted = `${unanswered} new ${unanswered === 1 ? 'connection' : 'connections'} since it last accepted one`
  return `does not accept: ${counted}, ${refused} of them refused`
}
