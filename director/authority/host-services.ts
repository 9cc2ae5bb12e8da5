import { inPrefix } from '../../shared/address/prefix.ts'
import { vipProblem } from '../../shared/config/address.ts'
import { globCovers, nameElements, parseGlob } from '../../shared/config/glob.ts'

/** Hosts that may bring services which no file of the director names. */
export interface HostServicesRule {
  /** Host id, with a shell's wildcards. */
  readonly hosts: string
  /** CIDR blocks of their VIPs. */
  readonly vips: readonly string[]
}

/** Why a host may not bring a service of its own with this VIP; undefined: it may. */
export type HostServiceAuthority = (hostId: string, vip: string) => string | undefined

/** @param reserved - addresses that can never be VIPs of hosts' own services, each with whose it is */
export function hostServiceAuthority(
  rules: readonly HostServicesRule[],
  reserved: ReadonlyMap<string, string>,
): HostServiceAuthority {
  const known = rules.map(({ hosts, vips }) => ({ elements: parseGlob(hosts).elements, vips }))
  return (hostId, vip) => {
    const name = nameElements(hostId)
    const blocks = known.flatMap(({ elements, vips }) => (globCovers(elements, name) ? vips : []))
    if (!blocks.some(block => inPrefix(vip, block)))
      return `write a service file for it on the director, or allow it there: hostServices: [{hosts: '${hostId}', vips: [${vip}/32]}]`
    const whose = reserved.get(vip)
    if (whose !== undefined) return `${vip} is the address of ${whose}: give the service another VIP`
    const problem = vipProblem(vip)
    return problem === undefined ? undefined : `${problem}: give the service another VIP`
  }
}

/** A host, as far as its address in the underlay goes. */
interface Addressed {
  readonly hostId: string
  readonly hostIp: string
}

/** Of the director's machine. */
interface DirectorAddresses {
  readonly own: Iterable<string>
  readonly gateways: Iterable<string>
}

/**
 * Makes the authority by the hosts that are known now, those too that are away: they need their addresses when they come back. The
 * same function while nothing of it changes.
 */
export function createHostServices(rules: readonly HostServicesRule[]) {
  let known = new Map<string, string>()
  let authority = hostServiceAuthority(rules, known)
  return (hosts: Iterable<Addressed>, { own, gateways }: DirectorAddresses): HostServiceAuthority => {
    // Nobody may bring anything, whatever is reserved.
    if (rules.length === 0) return authority
    const reserved = new Map<string, string>()
    for (const address of gateways) reserved.set(address, 'the gateway of the director')
    for (const address of own) reserved.set(address, 'the director')
    for (const { hostId, hostIp } of hosts)
      if (hostIp !== '' && !reserved.has(hostIp)) reserved.set(hostIp, `host ${hostId}`)
    if (reserved.size === known.size && reserved.entries().every(([address, whose]) => known.get(address) === whose))
      return authority
    known = reserved
    authority = hostServiceAuthority(rules, reserved)
    return authority
  }
}
