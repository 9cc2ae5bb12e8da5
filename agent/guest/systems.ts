import type { Commands } from './commands.ts'
import {
  addAddress,
  addRoute,
  type KernelAddress,
  readAddresses,
  removeAddress,
  removeRoute,
  restrictAddress,
} from './ip.ts'
import { OWNERS } from './owners/all.ts'
import type { Owner } from './owners/types.ts'
import type { Qga } from './qga.ts'
import { osReply } from './replies.ts'
import { WINDOWS } from './windows.ts'

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

const LINUX: GuestSystem = {
  ...{ readAddresses, addAddress, restrictAddress, removeAddress, addRoute, removeRoute },
  owners: OWNERS,
  // An environment given to guest-exec replaces the guest agent's own, PATH and all; env(1) adds to it.
  environment: ['env', 'LC_ALL=C'],
  isName: name => /^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/.test(name),
}

/** Asks the guest agent, where it is new enough to say. */
export async function systemOf(qga: Qga, commands: Commands): Promise<GuestSystem> {
  if (!commands.has('guest-get-osinfo')) return LINUX
  const { id } = await qga.call(osReply, 'guest-get-osinfo')
  return id === 'mswindows' ? WINDOWS : LINUX
}
