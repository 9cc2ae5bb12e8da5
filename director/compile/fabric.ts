import type { Action } from '../../shared/openflow/types.ts'
import { FORWARDED, TABLE } from './tables.ts'
import type { Site, Target } from './types.ts'

/**
 * How a request, whose port has been rewritten, gets to a real server's host: the one place that knows the fabric.
 * A host of the director's own bridge is not sent to; its agent's flows in table 0 take the packet.
 */
export function toHost(site: Site, target: Target): readonly Action[] {
  if (site.ownMacs.includes(target.hostMac)) {
    return [
      { type: 'set_field', field: 'eth_dst', value: target.hostMac },
      { type: 'set_field', field: FORWARDED, value: 1 },
      { type: 'resubmit', table: TABLE.CLASSIFY },
    ]
  }
  return FABRICS[site.fabric](target)
}

/** l2: the hosts share a segment, and the host's MAC is all it takes. */
const FABRICS: Readonly<Record<Site['fabric'], (target: Target) => readonly Action[]>> = {
  l2: target => [
    { type: 'set_field', field: 'eth_dst', value: target.hostMac },
    { type: 'resubmit', table: TABLE.UPLINK },
  ],
}
