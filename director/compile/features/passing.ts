import { encodeCookie } from '../../../shared/flows/cookie.ts'
import type { Flow } from '../../../shared/flows/types.ts'
import { ENTERED, PRIORITY, TABLE } from '../tables.ts'

/**
 * Packets that nothing is to be counted for go on. In OPENED those are the ones whose mark could not be set, because the
 * connection table is full or the packet is no beginning of a connection: MARK still says where they are to go.
 */
export function passing(): readonly Flow[] {
  const cookie = encodeCookie('director', 'base')
  const pass = (table: number, to: number): Flow => ({
    table,
    priority: PRIORITY.BASE,
    cookie,
    match: {},
    actions: [{ type: 'resubmit', table: to }],
  })
  return [
    pass(TABLE.ENDING, TABLE.CONNECTION),
    {
      ...pass(TABLE.ENTERED, TABLE.OPENED),
      actions: [
        { type: 'move', src: { field: 'ct_mark' }, dst: { field: ENTERED } },
        { type: 'resubmit', table: TABLE.OPENED },
      ],
    },
    pass(TABLE.OPENED, TABLE.FORWARD),
  ]
}
