import { encodeCookie } from '../../../shared/flows/cookie.ts'
import type { Flow } from '../../../shared/flows/types.ts'
import { PORT } from '../../../shared/openflow/types.ts'
import { PRIORITY, TABLE } from '../tables.ts'
import type { Site } from '../types.ts'

/**
 * Sends a packet out of the uplink. A request that came in by the uplink needs IN_PORT to leave by it (OpenFlow 1.5.1, 7.2.1); a
 * request from a local port is output.
 */
export function uplink(site: Site): readonly Flow[] {
  const cookie = encodeCookie('director', 'base')
  return [
    {
      table: TABLE.UPLINK,
      priority: PRIORITY.KNOWN,
      cookie,
      match: { in_port: site.uplink },
      actions: [{ type: 'output', port: PORT.IN_PORT }],
    },
    {
      table: TABLE.UPLINK,
      priority: PRIORITY.UNKNOWN,
      cookie,
      match: {},
      actions: [{ type: 'output', port: site.uplink }],
    },
  ]
}
