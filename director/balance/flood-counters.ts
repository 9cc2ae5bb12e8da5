import { decodeCookie } from '../../shared/flows/cookie.ts'
import type { FlowStats, FlowStatsFilter, Switch } from '../../shared/switch/types.ts'
import { TABLE } from '../compile/tables.ts'
import type { CompiledService } from '../compile/types.ts'
import type { FloodKind, Offered } from '../schedule/flood.ts'

type Reader = Pick<Switch, 'readFlowStats' | 'readPackets'>

/**
 * Flows that count all that comes of each kind, wherever it goes. The switch searches a whole table for those without an object,
 * and table 0 is large.
 */
const ALL: Readonly<Record<FloodKind, FlowStatsFilter>> = {
  syn: { table: TABLE.COMMIT, kind: 'commit-mark' },
  stray: { table: TABLE.TELL, kind: 'ask', object: 0 },
  'icmp-error': { table: TABLE.CLASSIFY, kind: 'vip-icmp-error' },
  neighbour: { table: TABLE.CLASSIFY, kind: 'vip-arp' },
}

/** What has come so far of one kind, in one small answer. */
export async function readAll(sw: Reader, kind: FloodKind): Promise<number> {
  return sw.readPackets(ALL[kind])
}

/** The same of one kind by service number, or by VIP where the director answers by itself. */
export async function readBy(sw: Reader, kind: FloodKind): Promise<ReadonlyMap<number | string, number>> {
  const keyOf = ({ cookie, match }: FlowStats) =>
    kind === 'syn' || kind === 'stray'
      ? decodeCookie(cookie)?.object
      : String(match.arp_tpa ?? match.nd_target ?? match.ipv4_dst ?? match.ipv6_dst)
  const filter = kind === 'stray' ? ({ table: TABLE.CONNECTION, kind: 'ask' } as const) : ALL[kind]
  const found = new Map<number | string, number>()
  for (const flow of await sw.readFlowStats(filter)) {
    const key = keyOf(flow)
    if (key !== undefined) found.set(key, (found.get(key) ?? 0) + flow.packets)
  }
  return found
}

/** SYNs of one service that were scheduled, and those of them that neither a packet of the client's nor an end has followed. */
export async function readSyns(sw: Reader, { number }: CompiledService): Promise<Offered> {
  const read = (table: number, kind: NonNullable<FlowStatsFilter['kind']>) =>
    sw.readFlowStats({ table, kind, object: number })
  const [scheduled, known, ended, reset, mine] = await Promise.all([
    read(TABLE.CONNECTION, 'schedule'),
    read(TABLE.CONNECTION, 'connection'),
    read(TABLE.ENDING, 'ended'),
    read(TABLE.ENDING, 'reset'),
    readMine(sw, number),
  ])
  const all = packets(scheduled)
  return { all, idle: all - packets(known) - packets(ended) - packets(reset) - mine }
}

/** Packets of one service's unknown connections, `asked` by the switch, and those of them that no host has said are its own. */
export async function readStrays(sw: Reader, { number }: CompiledService, asked: number): Promise<Offered> {
  return { all: asked, idle: asked - (await readMine(sw, number)) }
}

/** "Mine", which bears the ports of the client's packet (compile/features/signals.ts). */
async function readMine(sw: Reader, object: number): Promise<number> {
  const fromHosts = await sw.readFlowStats({ table: TABLE.CLASSIFY, kind: 'from-host', object })
  return packets(fromHosts.filter(({ match }) => match.tcp_dst !== undefined))
}

const packets = (flows: readonly FlowStats[]) => flows.reduce((sum, flow) => sum + flow.packets, 0)
