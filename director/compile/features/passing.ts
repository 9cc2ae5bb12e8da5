import { encodeCookie } from '../../../shared/flows/cookie.ts'
import type { Flow } from '../../../shared/flows/types.ts'
import { ENTERED, PRIORITY, TABLE } from '../tables.ts'

/**
 * Forwards packets for which nothing is counted. In OPENED these are packets whose mark could not be set, because the connection
 * table is full or the packet does not begin a connection; MARK still names their real server.
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
