import { decodeCookie } from '../../shared/flows/cookie.ts'
import type { FlowStats, Switch } from '../../shared/switch/types.ts'
import { ENDED, TABLE } from '../compile/tables.ts'
import type { CompiledService } from '../compile/types.ts'

export type Counters = ReadonlyMap<number, { readonly opened: number; readonly ended: number }>

const NEW = { table: TABLE.COMMIT, kind: 'commit-mark' } as const

/** Connections begun so far, of all services: while the sum stays nobody has to be looked at. */
export async function readTotal(sw: Pick<Switch, 'readPackets'>): Promise<number> {
  return sw.readPackets(NEW)
}

/** The same by service number: who is worth a closer look. */
export async function readActivity(sw: Pick<Switch, 'readFlowStats'>): Promise<ReadonlyMap<number, number>> {
  return sums(await sw.readFlowStats(NEW), ({ cookie }) => decodeCookie(cookie)?.object)
}

/** Connections opened and ended of one service's real servers, by mark. Costs in proportion to them. */
export async function readCounters(sw: Pick<Switch, 'readFlowStats'>, { number }: CompiledService): Promise<Counters> {
  const [opened, ended] = await Promise.all([
    sw.readFlowStats({ table: TABLE.OPENED, kind: 'opened', object: number }),
    sw.readFlowStats({ table: TABLE.ENDING, kind: 'ended', object: number }),
  ])
  const ends = sums(ended, markOf)
  return new Map([...sums(opened, markOf)].map(([mark, n]) => [mark, { opened: n, ended: ends.get(mark) ?? 0 }]))
}

function markOf({ match }: FlowStats): number | undefined {
  return match.ct_mark === undefined ? undefined : Number(match.ct_mark) % ENDED
}

/** Several flows of one key add up. */
function sums(stats: readonly FlowStats[], keyOf: (flow: FlowStats) => number | undefined): Map<number, number> {
  const found = new Map<number, number>()
  for (const flow of stats) {
    const key = keyOf(flow)
    if (key !== undefined) found.set(key, (found.get(key) ?? 0) + flow.packets)
  }
  return found
}
