import { isIPv4 } from 'node:net'
import { CrossportError } from '../../shared/errors.ts'
import type { Qga } from './qga.ts'
import { interfacesReply } from './replies.ts'

export interface GuestNic {
  readonly name: string
  /** IPv4, aliases included, in the guest's order (primary first). */
  readonly addresses: readonly string[]
  /** IPv4 of the loopback: where real servers of classic direct routing hold their VIPs. */
  readonly loopback: readonly string[]
}

/** It becomes part of a path and of a command line. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/

/** The guest's NIC with this hardware address. Throws GUEST_NIC_NOT_FOUND, GUEST_REPLY_INVALID. */
export async function readNic(qga: Qga, mac: string): Promise<GuestNic> {
  const interfaces = await qga.call(interfacesReply, 'guest-network-get-interfaces')
  const addressesOf = (base: string) =>
    interfaces
      // An address with a label is listed under it ("eth0:1"): getifaddrs(3) takes the label for the name.
      .filter(({ name }) => name === base || name.startsWith(`${base}:`))
      .flatMap(found => found['ip-addresses'] ?? [])
      .map(address => address['ip-address'])
      .filter(address => isIPv4(address))

  const names = interfaces
    .filter(found => found['hardware-address']?.toLowerCase() === mac)
    .map(found => found.name.split(':', 1)[0] ?? '')
  // A bridge, bond or VLAN in the guest has its NIC's hardware address too: the addresses show which one is in use.
  const name = names.find(name => addressesOf(name).length > 0) ?? names[0]
  if (name === undefined) {
    const there = interfaces.map(found => `${found.name} ${found['hardware-address'] ?? ''}`.trim()).slice(0, 8)
    throw new CrossportError('GUEST_NIC_NOT_FOUND', `the guest has no NIC ${mac}; it has ${there.join(', ') || 'none'}`)
  }
  if (!NAME.test(name)) throw new CrossportError('GUEST_REPLY_INVALID', `${JSON.stringify(name)} as name of a NIC`)
  return { name, addresses: [...new Set(addressesOf(name))], loopback: addressesOf('lo') }
}
