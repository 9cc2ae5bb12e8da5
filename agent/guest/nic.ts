import { CrossportError } from '../../shared/errors.ts'
import { canonical, familyOf, IPV4 } from '../../shared/net/family.ts'
import type { KernelAddress } from './ip.ts'
import type { Qga } from './qga.ts'
import { interfacesReply } from './replies.ts'
import type { GuestSystem } from './systems/types.ts'

export interface GuestNic {
  readonly name: string
  /** The NIC's addresses of both families in canonical form, aliases included, in the guest's order (primary first). */
  readonly addresses: readonly string[]
  /** Prefix lengths of the NIC's addresses, as far as the guest tells them. */
  readonly lengths: ReadonlyMap<string, number>
  /** The loopback's addresses: real servers of classic direct routing hold their VIPs there. */
  readonly loopback: readonly string[]
  /** The NIC's addresses with their scopes; empty where the guest does not tell them. */
  readonly kernel: readonly KernelAddress[]
}

const isIpv4 = (address: string): boolean => familyOf(address) === IPV4
/** Every NIC that is up has a link-local IPv6 address (RFC 4291, 2.5.6), so it does not show that the NIC is in use. */
const isLinkLocal = (address: string): boolean => /^fe[89ab]/.test(address)

/** Finds the guest's NIC with this hardware address. Throws GUEST_NIC_NOT_FOUND, GUEST_REPLY_INVALID. */
export async function readNic(qga: Qga, mac: string, system: GuestSystem): Promise<GuestNic> {
  const nic = await listNic(qga, mac, system)
  return { ...nic, kernel: await system.readAddresses(qga, nic.name) }
}

/** The same, but for the scopes. */
export async function listNic(qga: Qga, mac: string, system: GuestSystem): Promise<Omit<GuestNic, 'kernel'>> {
  const interfaces = await qga.call(interfacesReply, 'guest-network-get-interfaces')
  const withLengthsOf = (base: string) =>
    interfaces
      // getifaddrs(3) lists an address with a label under the label ("eth0:1"), as if it were a NIC's name.
      .filter(({ name }) => name === base || name.startsWith(`${base}:`))
      .flatMap(found => found['ip-addresses'] ?? [])
      .flatMap(({ 'ip-address': text, prefix }) => {
        const address = canonical(text)
        return address === undefined ? [] : { address, prefix }
      })
  const addressesOf = (base: string) => withLengthsOf(base).map(({ address }) => address)

  const names = interfaces
    .filter(found => found['hardware-address']?.toLowerCase() === mac)
    .map(found => found.name.split(':', 1)[0] ?? '')
  // A bridge, bond or VLAN in the guest has its NIC's hardware address too; the one with addresses is in use.
  const withOne = (inUse: (address: string) => boolean) => names.find(name => addressesOf(name).some(inUse))
  const name = withOne(isIpv4) ?? withOne(address => !isLinkLocal(address)) ?? names[0]
  if (name === undefined) {
    const there = interfaces.map(found => `${found.name} ${found['hardware-address'] ?? ''}`.trim()).slice(0, 8)
    throw new CrossportError('GUEST_NIC_NOT_FOUND', `the guest has no NIC ${mac}; it has ${there.join(', ') || 'none'}`)
  }
  if (!system.isName(name)) throw new CrossportError('GUEST_REPLY_INVALID', `${JSON.stringify(name)} as name of a NIC`)
  const lengths = new Map(
    withLengthsOf(name).flatMap(({ address, prefix }) => (prefix === undefined ? [] : [[address, prefix] as const])),
  )
  return { name, addresses: [...new Set(addressesOf(name))], lengths, loopback: addressesOf('lo') }
}
