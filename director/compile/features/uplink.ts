import { encodeCookie } from '../../../shared/flows/cookie.ts'
import type { Flow } from '../../../shared/flows/types.ts'
import { PORT } from '../../../shared/openflow/types.ts'
import { PRIORITY, TABLE } from '../tables.ts'
import type { Site } from '../types.ts'

/**
 * Out of the uplink. A request that came in by it leaves by it again (one-arm), which OpenFlow only does for IN_PORT
 * (OpenFlow 1.5.1, 7.2.1); one from a local port is simply sent.
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
