import { encodeCookie } from '../../../shared/flows/cookie.ts'
import type { Flow } from '../../../shared/flows/types.ts'
import { FROM_DIRECTOR, FROM_DIRECTOR_BIT, PRIORITY, TABLE } from '../tables.ts'
import type { HostContext } from '../types.ts'

/**
 * Marks frames to this host that a director has sent. Only these may be requests: otherwise anybody who knows the host's address
 * and an ingress port would get past `clients`, scheduling and accounts. A director is known by its source address D or R, which
 * no VM can send from (features/guards.ts) and which a director on this host uses, too. Because of the mark, a real server does
 * not need one flow for each director.
 */
export function fromDirectorFlows(host: HostContext): Flow[] {
  return directorMacs(host).map(mac => ({
    table: TABLE.classify,
    priority: PRIORITY.fromDirector,
    cookie: encodeCookie('agent', 'from-director'),
    match: { eth_src: mac, eth_dst: host.hostMac, [FROM_DIRECTOR]: '0/0x2' },
    actions: [
      { type: 'set_field', field: FROM_DIRECTOR, value: FROM_DIRECTOR_BIT },
      { type: 'resubmit', table: TABLE.classify },
    ],
  }))
}

/** D and R of every director that the host knows. */
export function directorMacs({ directorMac, directors }: HostContext): readonly string[] {
  const macs = directors.flatMap(({ mac, recallMac }) => [mac, recallMac])
  return [...new Set(directorMac === undefined ? macs : [directorMac, ...macs])]
}

/** The addresses that a VM with the hardware address `mac` may send from: its own, and R if the VM is a director. */
export function macsOf(mac: string, { directors }: HostContext): ReadonlySet<string> {
  return new Set([mac, ...directors.flatMap(director => (director.mac === mac ? [director.recallMac] : []))])
}

/** True when the VM with this hardware address is a director. */
export function isDirector(mac: string, { directorMac, directors }: HostContext): boolean {
  return mac === directorMac || directors.some(director => director.mac === mac)
}
