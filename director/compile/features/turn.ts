import { hideClient, showClient } from '../../../shared/flows/client.ts'
import { encodeCookie } from '../../../shared/flows/cookie.ts'
import type { Flow } from '../../../shared/flows/types.ts'
import { familyOf } from '../../../shared/net/family.ts'
import { addressMatch } from '../../../shared/net/match.ts'
import type { Action } from '../../../shared/openflow/types.ts'
import { MARK, PRIORITY, TABLE, TAKEN, TURN_ZONE } from '../tables.ts'
import type { CompiledService, Feature } from '../types.ts'
import { commitMark } from './mark.ts'
import { transport } from './transport.ts'

type Turns = NonNullable<CompiledService['turns']>

/**
 * Whose turn it is stands in the connection table, too: as the mark of one entry for each service, under which every new
 * connection looks itself up. A flow for each turn reads it, sets it to the turn after it, and takes its real server. So
 * the switch counts round exactly, whatever the rate, with no process to ask and none to tell.
 *
 * It has its price: the client's address and port have to be put back, which makes a cached flow of each connection
 * (measured: a quarter more CPU time a connection). With many connections the group, which draws lots, is as even.
 *
 * An order begins at its beginning: a mark of another order is none of its turns, and counts as the first.
 */
export const turn: Feature = (_site, service) => {
  const { turns } = service
  if (turns === undefined) return { flows: [] }
  const match = {
    ...transport(service),
    ct_zone: TURN_ZONE,
    ...addressMatch('dst', service.vip),
    [`${service.protocol}_dst`]: service.port,
  }
  const marks = marksOf(turns)
  const take = (i: number) => takeTurn(service, turns.order[i]!, marks[i + 1] ?? marks[turns.again]!)
  const flow = { table: TABLE.TURN, cookie: encodeCookie('director', 'turn', service.number) }
  return {
    flows: [
      { ...flow, priority: PRIORITY.UNKNOWN, match, actions: take(0) },
      ...turns.order.slice(1).map((_, i): Flow => {
        return { ...flow, priority: PRIORITY.KNOWN, match: { ...match, ct_mark: marks[i + 1]! }, actions: take(i + 1) }
      }),
    ],
  }
}

/** Asks whose turn it is. The client has been noted, and may have been hidden already. */
export function askTurn(service: CompiledService): readonly Action[] {
  // Nothing is left of the client.
  const { unspecified } = familyOf(service.vip)
  return [...hideClient(service.protocol, unspecified), { type: 'ct', zone: TURN_ZONE, table: TABLE.TURN }]
}

function takeTurn(service: CompiledService, mark: number, next: number): readonly Action[] {
  const { persistence } = service
  const family = familyOf(service.vip)
  const setNext: Action = { type: 'set_field', field: 'ct_mark', value: next }
  return [
    { type: 'set_field', field: MARK, value: mark },
    { type: 'set_field', field: TAKEN, value: 1 },
    { type: 'ct', commit: true, zone: TURN_ZONE, exec: [setNext] },
    ...showClient(family, service.protocol),
    ...(persistence === undefined
      ? []
      : [
          ...hideClient(service.protocol, persistence.mask),
          commitMark(persistence.zone),
          ...showClient(family, service.protocol),
        ]),
    { type: 'resubmit', table: TABLE.COMMIT },
  ]
}

/** Bits of a mark that tell the turn (schedule/turns.ts: 4,000 at most); those above tell the order that it is of. */
const TURN_BITS = 12

/** Of each turn, never 0. FNV-1a over the order. */
function marksOf({ order, again, after }: Turns): readonly number[] {
  let hash = 0x811c9dc5
  for (const n of [...order, again, after]) hash = Math.imul(hash ^ n, 0x01000193)
  const name = (hash >>> TURN_BITS) * (1 << TURN_BITS)
  return order.map((_, i) => name + i + 1)
}
