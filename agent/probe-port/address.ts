import { familyOf } from '../../shared/net/family.ts'

/** The link-local block of addresses that probes use between the host's probe port and the bridge, in canonical form. */
export interface ProbeNetwork {
  readonly first: string
  readonly length: number
}

/** Parses a canonical CIDR block of 2 to 24 host bits. */
export function probeNetwork(cidr: string): ProbeNetwork {
  const [first = '', length = ''] = cidr.split('/')
  return { first, length: Number(length) }
}

/** The agent's own address, from which it probes: the first one of the block. */
export function probeHost(network: ProbeNetwork): string {
  return nth(network, 1)
}

/**
 * The address that a VM sees as the client. It is no address of the host, because otherwise the host's kernel would answer the
 * VM's ARP request too where the VM's tap device belongs to the kernel (userspace datapath).
 */
export function probeSource(network: ProbeNetwork): string {
  return nth(network, 2)
}

/** The address that stands for a real server, by its number (from 1); undefined where the block is too small. */
export function probeAddress(network: ProbeNetwork, number: number): string | undefined {
  const size = 2 ** (familyOf(network.first).bits - network.length)
  return number + 2 < size - 1 ? nth(network, 2 + number) : undefined
}

function nth({ first }: ProbeNetwork, n: number): string {
  const family = familyOf(first)
  const value = family.parse(first) ?? 0
  return family.format(typeof value === 'bigint' ? value + BigInt(n) : value + n)
}
