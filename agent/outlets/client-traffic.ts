import type { FlowStats } from '../../shared/switch/types.ts'
import { TABLE } from '../compile/tables.ts'
import type { Session } from '../inputs.ts'

/**
 * Counters of the flows that the clients' packets take, both ways. A UDP reply that comes in fragments is counted in a table
 * of its own (compile/features/fragments.ts). Rejects as the switch does.
 */
export async function readClientTraffic(session: Pick<Session, 'readFlowStats'>): Promise<readonly FlowStats[]> {
  const read = await Promise.all([
    session.readFlowStats({ table: TABLE.classify, kind: 'request' }),
    session.readFlowStats({ table: TABLE.classify, kind: 'reply' }),
    session.readFlowStats({ table: TABLE.fragment, kind: 'reply' }),
  ])
  return read.flat()
}
