import type { Domain } from '../inventory/types.ts'
import type { RealServer } from '../real-servers/types.ts'
import type { GuestRecord } from '../store/types.ts'
import type { GuestTarget } from './types.ts'

export interface TargetInput {
  readonly realServers: readonly RealServer[]
  readonly domains: readonly Domain[]
  readonly records: readonly GuestRecord[]
  /** Network (CIDR) that health checks come from. */
  readonly probeNetwork: string
  /** False: what services want is not known yet, so what a guest has been given stays. */
  readonly sweep: boolean
  /** True when the bridge drops the VM's ARP and ND messages about this VIP. Only then may the guest get the VIP. */
  shielded(vip: string, port: string): boolean
}

interface Wanted {
  readonly domain: Domain
  readonly mac: string
  readonly vips: Set<string>
  probed: boolean
}

/**
 * Calculates which VIPs each VM must hold now. A VIP is added only behind its shield. An added VIP stays while a service wants
 * it, whether the VM is attached or not. A VM that no service wants any more must remove what it was given.
 */
export function guestTargets({
  realServers,
  domains,
  records,
  probeNetwork,
  sweep,
  shielded,
}: TargetInput): GuestTarget[] {
  const byUuid = new Map(domains.map(domain => [domain.uuid, domain]))
  const wanted = new Map<string, Wanted>()
  const target = (domain: Domain, mac: string) => {
    const name = `${domain.uuid}/${mac}`
    let found = wanted.get(name)
    if (found === undefined) wanted.set(name, (found = { domain, mac, vips: new Set(), probed: false }))
    return found
  }
  const recorded = new Set(records.map(record => `${record.vmUuid}/${record.mac}/${record.vip}`))
  const unattached = new Set<string>()
  for (const { vip, vm, check, attachment } of realServers) {
    const domain = byUuid.get(vm.uuid)
    if (domain === undefined) continue
    if (attachment === undefined) {
      unattached.add(`${vm.uuid}/${vip}`)
      continue
    }
    const nic = target(domain, attachment.mac)
    const { vips } = nic
    nic.probed ||= check !== undefined && check.type !== 'exec'
    if (shielded(vip, attachment.port) || recorded.has(`${vm.uuid}/${attachment.mac}/${vip}`)) vips.add(vip)
  }
  for (const { vmUuid, mac, vip } of records) {
    const domain = byUuid.get(vmUuid)
    if (domain === undefined) continue
    const { vips } = target(domain, mac)
    if (!sweep || unattached.has(`${vmUuid}/${vip}`)) vips.add(vip)
  }
  return [...wanted.values()].map(({ domain, mac, vips, probed }) => ({
    vmUuid: domain.uuid,
    vmName: domain.name,
    runId: domain.runId,
    running: domain.state === 'running',
    agentChannel: domain.agentChannel,
    mac,
    ...(probed ? { onLink: probeNetwork } : {}),
    vips: [...vips].sort(),
  }))
}
