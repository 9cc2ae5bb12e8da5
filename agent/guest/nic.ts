import { CrossportError } from '../../shared/errors.ts'
import { canonical, familyOf, IPV4 } from '../../shared/net/family.ts'
import type { Qga } from './qga.ts'
import { interfacesReply } from './replies.ts'

export interface GuestNic {
  readonly name: string
  /** Canonical texts, of both families, aliases included, in the guest's order (primary first). */
  readonly addresses: readonly string[]
  /** Likewise of the loopback: where real servers of classic direct routing hold their VIPs. */
  readonly loopback: readonly string[]
}

/** It becomes part of a path and of a command line. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/

const isIpv4 = (address: string): boolean => familyOf(address) === IPV4
/** Every NIC that is up has such an IPv6 address (RFC 4291, 2.5.6), in use or not. */
const isLinkLocal = (address: string): boolean => /^fe[89ab]/.test(address)

/** The guest's NIC with this hardware address. Throws GUEST_NIC_NOT_FOUND, GUEST_REPLY_INVALID. */
export async function readNic(qga: Qga, mac: string): Promise<GuestNic> {
  const interfaces = await qga.call(interfacesReply, 'guest-network-get-interfaces')
  const addressesOf = (base: string) =>
    interfaces
      // An address with a label is listed under it ("eth0:1"): getifaddrs(3) takes the label for the name.
      .filter(({ name }) => name === base || name.startsWith(`${base}:`))
      .flatMap(found => found['ip-addresses'] ?? [])
      .flatMap(address => canonical(address['ip-address']) ?? [])

  const names = interfaces
    .filter(found => found['hardware-address']?.toLowerCase() === mac)
    .map(found => found.name.split(':', 1)[0] ?? '')
  // A bridge, bond or VLAN in the guest has its NIC's hardware address too: the addresses show which one is in use.
  const withOne = (inUse: (address: string) => boolean) => names.find(name => addressesOf(name).some(inUse))
  const name = withOne(isIpv4) ?? withOne(address => !isLinkLocal(address)) ?? names[0]
  if (name === undefined) {
    const there = interfaces.map(found => `${found.name} ${found['hardware-address'] ?? ''}`.trim()).slice(0, 8)
    throw new CrossportError('GUEST_NIC_NOT_FOUND', `the guest has no NIC ${mac}; it has ${there.join(', ') || 'none'}`)
  }
  if (!NAME.test(name)) throw new CrossportError('GUEST_REPLY_INVALID', `${JSON.stringify(name)} as name of a NIC`)
  return { name, addresses: [...new Set(addressesOf(name))], loopback: addressesOf('lo') }
}
