import { decodeCookie } from '../../shared/flows/cookie.ts'
import type { FlowStats, Switch } from '../../shared/switch/types.ts'
import { ENDED, ENTERED, SIGNAL, TABLE } from '../compile/tables.ts'
import type { CompiledService } from '../compile/types.ts'
import type { Accepted } from '../schedule/acceptance.ts'

export interface Counted {
  readonly opened: number
  readonly ended: number
}

export type Counters = ReadonlyMap<number, Counted>

const NEW = { table: TABLE.COMMIT, kind: 'commit-mark' } as const

/** Connections begun so far in all services. While the sum does not change, no service has to be examined. */
export async function readTotal(sw: Pick<Switch, 'readPackets'>): Promise<number> {
  return sw.readPackets(NEW)
}

/** Connections begun so far, by service number: shows which services to examine. */
export async function readActivity(sw: Pick<Switch, 'readFlowStats'>): Promise<ReadonlyMap<number, number>> {
  return sums(await sw.readFlowStats(NEW), ({ cookie }) => decodeCookie(cookie)?.object)
}

/** Connections opened and ended at one service's real servers, by mark. Costs in proportion to their number. */
export async function readCounters(sw: Pick<Switch, 'readFlowStats'>, { number }: CompiledService): Promise<Counters> {
  const [opened, ended, reset] = await Promise.all([
    read(sw, 'opened', number),
    read(sw, 'ended', number),
    read(sw, 'reset', number),
  ])
  const ends = sums([...ended, ...reset], markOf)
  return new Map([...sums(opened, markOf)].map(([mark, n]) => [mark, { opened: n, ended: ends.get(mark) ?? 0 }]))
}

/** Of the connections begun at its real servers, how many they have accepted and reset, by mark. Costs as much. */
export async function readAccepted(
  sw: Pick<Switch, 'readFlowStats'>,
  { number }: CompiledService,
): Promise<ReadonlyMap<number, Accepted>> {
  const [opened, resets, synAcks] = await Promise.all([
    read(sw, 'opened', number),
    read(sw, 'reset', number),
    read(sw, 'accepted', number),
  ])
  const begun = sums(opened, flow => (isSignal(flow) ? undefined : markOf(flow)))
  const reset = sums(resets, markOf)
  const accepted = sums(synAcks, markOf)
  return new Map(
    [...begun].map(([mark, n]) => [
      mark,
      { opened: n, accepted: accepted.get(mark) ?? 0, reset: reset.get(mark) ?? 0 },
    ]),
  )
}

function read(sw: Pick<Switch, 'readFlowStats'>, kind: 'opened' | 'ended' | 'reset' | 'accepted', object: number) {
  return sw.readFlowStats({ table: kind === 'opened' ? TABLE.OPENED : TABLE.ENDING, kind, object })
}

/** A flow that counts signals from a host. Among flows that count new connections it counts recalled ones. */
function isSignal({ match }: FlowStats): boolean {
  return match[SIGNAL] !== undefined
}

function markOf({ match }: FlowStats): number | undefined {
  const mark = match.ct_mark ?? match[ENTERED]
  return mark === undefined ? undefined : Number(mark) % ENDED
}

/** Adds up the packet counts of flows that have the same key. */
function sums(stats: readonly FlowStats[], keyOf: (flow: FlowStats) => number | undefined): Map<number, number> {
  const found = new Map<number, number>()
  for (const flow of stats) {
    const key = keyOf(flow)
    if (key !== undefined) found.set(key, (found.get(key) ?? 0) + flow.packets)
  }
  return found
}
