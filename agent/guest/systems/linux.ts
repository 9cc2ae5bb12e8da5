import { addAddress, addRoute, readAddresses, removeAddress, removeRoute, restrictAddress } from '../ip.ts'
import { OWNERS } from '../owners/all.ts'
import type { GuestSystem } from './types.ts'

export const LINUX: GuestSystem = {
  ...{ readAddresses, addAddress, restrictAddress, removeAddress, addRoute, removeRoute },
  owners: OWNERS,
  // An environment given to guest-exec replaces the guest agent's own, PATH and all; env(1) adds to it.
  environment: ['env', 'LC_ALL=C'],
  isName: name => /^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/.test(name),
}
