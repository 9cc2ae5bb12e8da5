import { decodeCookie } from '../../shared/flows/cookie.ts'
import type { Switch } from '../../shared/switch/types.ts'
import { TABLE } from '../compile/tables.ts'
import type { CompiledService } from '../compile/types.ts'

export type Counters = ReadonlyMap<number, { readonly opened: number; readonly ended: number }>

type Reader = Pick<Switch, 'readFlowStats'>

/** Packets that began a connection, by service number: who is worth a closer look. One small request for all services. */
export async function readActivity(sw: Reader): Promise<ReadonlyMap<number, number>> {
  return byObject(await sw.readFlowStats({ table: TABLE.CONNECTION, kind: 'schedule' }))
}

/** Connections opened and ended of one service's real servers, by mark. */
export async function readCounters(sw: Reader, service: CompiledService): Promise<Counters> {
  const match = { ct_zone: service.zone }
  const [opened, ended] = await Promise.all([
    sw.readFlowStats({ table: TABLE.OPENED, kind: 'opened', match }),
    sw.readFlowStats({ table: TABLE.ENDING, kind: 'ended', match }),
  ])
  const ends = byObject(ended)
  return new Map([...byObject(opened)].map(([mark, n]) => [mark, { opened: n, ended: ends.get(mark) ?? 0 }]))
}

/** Several flows of one object add up. */
function byObject(stats: readonly { readonly cookie: bigint; readonly packets: number }[]): Map<number, number> {
  const sums = new Map<number, number>()
  for (const { cookie, packets } of stats) {
    const object = decodeCookie(cookie)?.object
    if (object !== undefined) sums.set(object, (sums.get(object) ?? 0) + packets)
  }
  return sums
}
