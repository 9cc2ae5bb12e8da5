import type { KernelAddress } from '../ip.ts'
import type { Owner } from '../owners/types.ts'
import type { Qga } from '../qga.ts'

/** How addresses are read and set in a guest. All functions throw GUEST_COMMAND_FAILED when the guest refuses. */
export interface GuestSystem {
  /** Managers that may own a NIC, in the order in which they are asked. */
  readonly owners: readonly Owner[]
  /** Words before a program's, so that it prints what is the same in all languages. */
  readonly environment: readonly string[]
  /** Whether a NIC may have this name, which becomes part of paths and command lines. */
  isName(name: string): boolean
  /** The NIC's addresses as the kernel has them; empty where it does not tell. */
  readAddresses(qga: Qga, nic: string): Promise<readonly KernelAddress[]>
  /** Sets a VIP that is never a source, without a word on the network where that can be helped. */
  addAddress(qga: Qga, vip: string, nic: string): Promise<void>
  /** Makes a VIP that is there one that is never a source. */
  restrictAddress(qga: Qga, vip: string, nic: string): Promise<void>
  removeAddress(qga: Qga, vip: string, nic: string): Promise<void>
  /** Makes a network (CIDR) on-link until the next boot. */
  addRoute(qga: Qga, network: string, nic: string): Promise<void>
  removeRoute(qga: Qga, network: string, nic: string): Promise<void>
}
