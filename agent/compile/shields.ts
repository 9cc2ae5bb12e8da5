import { familyOf } from '../../shared/net/family.ts'
import type { BridgePort } from '../ports/types.ts'
import type { RealServer } from '../real-servers/types.ts'
import type { GuestRecord } from '../store/types.ts'
import type { Shield } from './types.ts'

/**
 * Every VIP that a VM on this bridge holds or may hold: the VIPs of its real servers, and the VIPs of removed real servers that
 * the guest still has.
 *
 * @param ownAddressOf - the VM's own address on that NIC, where it is known
 */
export function shields(
  realServers: readonly RealServer[],
  records: readonly GuestRecord[],
  ports: ReadonlyMap<string, BridgePort>,
  ownAddressOf: (vmUuid: string, mac: string) => string | undefined,
): Shield[] {
  const found = new Map<string, Shield>()
  const add = (vip: string, vmUuid: string, mac: string, port: Pick<Shield, 'port' | 'ofport' | 'tag'>) =>
    found.set(`${vip}/${port.port}`, { vip, ...port, ownAddress: ofFamily(vip, ownAddressOf(vmUuid, mac)) })
  for (const { vip, vm, attachment: at } of realServers) {
    if (at !== undefined) add(vip, vm.uuid, at.mac, { port: at.port, ofport: at.ofport, tag: at.tag })
  }
  for (const { vip, vmUuid, mac } of records) {
    const port = ports.get(mac)
    if (port?.ofport === undefined || port.ofport <= 0) continue
    add(vip, vmUuid, mac, { port: port.name, ofport: port.ofport, tag: port.tag })
  }
  return [...found.values()]
}

/** A VM's own address replaces only a VIP of the same address family. */
function ofFamily(vip: string, own: string | undefined): string | undefined {
  return own !== undefined && familyOf(own) === familyOf(vip) ? own : undefined
}
