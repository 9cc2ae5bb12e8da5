import type { CheckSpec } from '../../shared/config/check.ts'
import { familyOf } from '../../shared/net/family.ts'
import { type ProbeNetwork, probeAddress, probeSource } from '../probe-port/address.ts'
import type { Attachment, RealServer } from '../real-servers/types.ts'

/** One way from the probe port to a VIP and port in a VM. */
export interface Probe {
  /** Name of the probe's compiled object. */
  readonly object: string
  readonly number: number
  /** Address that the agent connects to. */
  readonly address: string
  /** Address that the VM sees as the client. */
  readonly source: string
  readonly vip: string
  readonly protocol: 'tcp' | 'udp'
  readonly port: number
  readonly at: Attachment
}

/** Protocol and port of a check; undefined for a check that sends no packets. */
export function checkTransport(check: CheckSpec, rsPort: number) {
  if (check.type === 'exec') return undefined
  return { protocol: check.type === 'udp' ? ('udp' as const) : ('tcp' as const), port: check.port ?? rsPort }
}

/**
 * The probes of this host by real server. Real servers of one VM whose checks go to the same VIP and port from the same source
 * share a probe, because their replies could not be told apart.
 */
export function probes(realServers: readonly RealServer[], network: ProbeNetwork): ReadonlyMap<string, Probe> {
  const byObject = new Map<string, Probe>()
  const found = new Map<string, Probe>()
  for (const { key, id, vip, rsPort, check, attachment: at } of [...realServers].sort((a, b) => a.id - b.id)) {
    if (check === undefined || at === undefined) continue
    const transport = checkTransport(check, rsPort)
    const address = probeAddress(network, id)
    // A packet cannot get from an address of one family to a VIP of another.
    if (transport === undefined || address === undefined || familyOf(vip) !== familyOf(address)) continue
    const source = check.source ?? probeSource(network)
    const object = `probe/${vip}/${at.port}/${transport.protocol}/${transport.port}/${source}`
    const probe = byObject.get(object) ?? { object, number: id, address, source, vip, ...transport, at }
    byObject.set(object, probe)
    found.set(key, probe)
  }
  return found
}
