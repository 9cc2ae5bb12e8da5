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
 * The turn is kept in the connection table: it is the mark of one entry per service, which every new connection looks up. One
 * flow per turn reads the mark, sets it to the next turn, and takes its own real server. So the switch itself goes round exactly,
 * at any rate and without a process.
 *
 * The client's address and port have to be restored afterwards, which costs a cached flow for each connection (measured: a
 * quarter more CPU time per connection). With many connections the group, which chooses by hash, is as even.
 *
 * A new order starts with its first turn, because a mark of another order matches none of its turns.
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

/** Looks up the turn. The client is saved in registers, and may already be hidden. */
export function askTurn(service: CompiledService): readonly Action[] {
  // The look-up must not depend on the client.
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

/** Low bits of a mark name the turn (schedule/turns.ts: at most 4,000); the bits above name its order. */
const TURN_BITS = 12

/** The mark of each turn, never 0. The order is hashed with FNV-1a. */
function marksOf({ order, again, after }: Turns): readonly number[] {
  let hash = 0x811c9dc5
  for (const n of [...order, again, after]) hash = Math.imul(hash ^ n, 0x01000193)
  const name = (hash >>> TURN_BITS) * (1 << TURN_BITS)
  return order.map((_, i) => name + i + 1)
}
