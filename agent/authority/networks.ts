import { inPrefix } from '../../shared/address/prefix.ts'
import type { KnownVm } from './types.ts'

/** What the addresses of all VMs of this host come to. */
export interface Networks {
  /** A NIC is in the network of this address. */
  has(address: string): boolean
  /** Names of the VMs that say it is their own address. */
  ownersOf(address: string): readonly string[]
}

/** A shorter prefix is no network that a NIC is in: a guest tells what it likes. */
const SHORTEST = 8
/** The prefix that a VIP has, which may be there from before. */
const LONGEST = 31

export function networksOf(vms: Iterable<KnownVm>): Networks {
  const owners = new Map<string, string[]>()
  const blocks = new Set<string>()
  for (const { name, addresses = [] } of vms) {
    for (const block of addresses) {
      const [address = '', length] = block.split('/')
      if (Number(length) < SHORTEST || Number(length) > LONGEST) continue
      const names = owners.get(address)
      if (names === undefined) owners.set(address, [name])
      else if (!names.includes(name)) names.push(name)
      blocks.add(block)
    }
  }
  const known = new Map<string, boolean>()
  return {
    has: address => {
      const found = known.get(address) ?? blocks.values().some(block => inPrefix(address, block))
      known.set(address, found)
      return found
    },
    ownersOf: address => owners.get(address) ?? [],
  }
}
