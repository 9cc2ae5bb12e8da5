import type { KnownVm } from '../authority/types.ts'
import type { GuestStatuses } from '../inputs.ts'
import type { Domain } from '../inventory/types.ts'
import { type PortIndex, stateObstacle } from '../real-servers/attach.ts'
import type { Store } from '../store/store.ts'

/** Own addresses of NICs with their prefix lengths, by `uuid/mac`. */
export type VmAddresses = ReadonlyMap<string, readonly string[]>

/** What guests have told of their NICs on this bridge, now or before; each the same object while nothing changes. */
export interface KnownVms {
  readonly vms: ReadonlyMap<string, KnownVm>
  readonly addresses: VmAddresses
}

/** What a guest has told is kept until it tells something else, so that an agent that starts again knows at once. */
export function createVmAddresses(store: Pick<Store, 'vmAddresses'>) {
  let addresses: VmAddresses = new Map(Object.entries(store.vmAddresses()))
  let vms: ReadonlyMap<string, KnownVm> = new Map()
  let last: readonly unknown[] | undefined

  const told = (guests: GuestStatuses, uuid: string, mac: string) => {
    const before = addresses.get(`${uuid}/${mac}`)
    const now = guests.status(uuid, mac)?.addresses ?? before
    return sameItems(before, now) ? before : now
  }

  return (domains: readonly Domain[], ports: PortIndex, guests: GuestStatuses): KnownVms => {
    const input = [domains, ports, guests]
    if (last?.every((value, i) => value === input[i])) return { vms, addresses }
    last = input
    const nextAddresses = new Map<string, readonly string[]>()
    const nextVms = new Map<string, KnownVm>()
    for (const domain of domains) {
      const { uuid } = domain
      const nics = domain.nics.flatMap(({ mac }) => {
        const found = told(guests, uuid, mac)
        if (found !== undefined) nextAddresses.set(`${uuid}/${mac}`, found)
        return found !== undefined || ports.has(mac) ? [found] : []
      })
      const before = vms.get(uuid)
      const now = knownVm(domain, nics)
      nextVms.set(uuid, before !== undefined && sameVm(before, now) ? before : now)
    }
    if (!sameMap(addresses, nextAddresses)) addresses = nextAddresses
    if (!sameMap(vms, nextVms)) vms = nextVms
    return { vms, addresses }
  }
}

/** @param nics - what each of its NICs on the bridge has told */
function knownVm(domain: Domain, nics: readonly (readonly string[] | undefined)[]): KnownVm {
  const { uuid, name } = domain
  const unknown = nics.length === 0 || nics.includes(undefined)
  const addresses = unknown ? undefined : nics.flatMap(one => one ?? [])
  return { uuid, name, addresses, silent: unknown ? silenceOf(domain, nics.length > 0) : '' }
}

/** Why nothing is known of a VM's addresses. */
function silenceOf(domain: Domain, plugged: boolean): string {
  const stopped = stateObstacle(domain)
  if (stopped !== undefined) return stopped
  if (!plugged) return 'no NIC of the VM is plugged into the bridge'
  if (domain.agentChannel === 'none') return 'the VM has no guest agent channel'
  if (domain.agentChannel === 'disconnected') return 'the guest agent of the VM is not running (yet)'
  return 'the guest agent of the VM has not told its addresses yet'
}

function sameVm(a: KnownVm, b: KnownVm): boolean {
  return a.name === b.name && a.silent === b.silent && sameItems(a.addresses, b.addresses)
}

function sameItems<T>(a: readonly T[] | undefined, b: readonly T[] | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return a.length === b.length && a.every((item, i) => item === b[i])
}

function sameMap<T>(a: ReadonlyMap<string, T>, b: ReadonlyMap<string, T>): boolean {
  return a.size === b.size && b.entries().every(([key, value]) => a.get(key) === value)
}
