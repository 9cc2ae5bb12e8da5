/**
 * What can be sent in such numbers that it harms others: SYNs that no further packet follows, packets of connections that no host
 * knows, ICMP errors, and ARP or ND requests for a VIP.
 */
export type FloodKind = 'syn' | 'stray' | 'icmp-error' | 'neighbour'

/** A second: several times what clients cause that mean it, and much less than one machine can send. */
export const FLOOD_FROM: Readonly<Record<FloodKind, number>> = {
  syn: 500,
  stray: 1000,
  'icmp-error': 500,
  neighbour: 1000,
}

/** The switch's counters of one thing that is watched. */
export interface Offered {
  /** All that has come. */
  readonly all: number
  /** What has led to nothing. May decrease: what follows a SYN is counted later than the SYN. */
  readonly idle: number
}

/** A thing that is watched; each reading makes a new one. Times are clock milliseconds. */
export interface Watched {
  /** The newest readings, the newest last. */
  readonly readings: readonly { readonly at: number; readonly offered: Offered }[]
  /** Readings one after the other in which too much came. */
  readonly high: number
  /** When the first of what is too much was sent, and the last reading in which too much came. */
  readonly since: number
  readonly last: number
  /** A second, as last counted. */
  readonly rate: number
}

/** Readings that a rate is taken from: the switch's counters come late, and not all at one time. */
const WINDOW = 4
/** Readings in which too much must have come: a herd of clients that all come at once is no flood. */
const FIRM = 3
/** So long less must have come before a flood has ended. */
const QUIET_MS = 10_000

/** The state after a reading. The first reading, and one after the counters have begun anew, only set the start. */
export function watch(before: Watched | undefined, at: number, offered: Offered, from: number): Watched {
  const reading = { at, offered }
  if (before === undefined) return { readings: [reading], high: 0, since: at, last: at, rate: 0 }
  if (offered.all < before.readings.at(-1)!.offered.all) return { ...before, readings: [reading] }
  const readings = [...before.readings, reading].slice(-WINDOW)
  const start = readings[0]!
  const seconds = Math.max(1, at - start.at) / 1000
  const all = offered.all - start.offered.all
  const idle = offered.idle - start.offered.idle
  // A client that means it sends more than a SYN. So where most leads to something, that is what the service is there for.
  const rate = idle >= all / 2 ? Math.max(0, idle) / seconds : 0
  if (rate >= (isFlood(before) ? from / 2 : from))
    return { readings, high: before.high + 1, since: before.high === 0 ? start.at : before.since, last: at, rate }
  if (isFlood(before) && at - before.last < QUIET_MS) return { ...before, readings }
  return { readings, high: 0, since: at, last: at, rate }
}

export function isFlood({ high }: Watched): boolean {
  return high >= FIRM
}

const WHAT: Readonly<Record<FloodKind, string>> = {
  syn: 'SYNs that no further packet follows',
  stray: 'packets of connections that no host knows',
  'icmp-error': 'ICMP errors',
  neighbour: 'ARP or ND requests',
}

/** `since`: in words. */
export function floodText(kind: FloodKind, rate: number, since: string): string {
  return `a flood of ${WHAT[kind]} since ${since}, at last ${Number(rate.toPrecision(2))} a second`
}
