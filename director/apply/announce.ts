import { gratuitousArp } from '../../shared/flows/arp.ts'
import { PORT } from '../../shared/openflow/types.ts'
import type { Switch } from '../../shared/switch/types.ts'

/**
 * Tells the segment that the VIP is at D now (gratuitous ARP, RFC 5227 section 3: a request in which sender and target
 * are the VIP), as if the director's own host had said it, so that bridges learn D where it is.
 */
export function announceVip(sw: Pick<Switch, 'packetOut'>, vip: string, directorMac: string): Promise<void> {
  return sw.packetOut({
    inPort: PORT.LOCAL,
    actions: [{ type: 'output', port: PORT.NORMAL }],
    data: gratuitousArp(vip, directorMac),
  })
}
