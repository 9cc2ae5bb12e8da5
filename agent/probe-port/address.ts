import { formatIpv4, parseIpv4 } from '../../shared/config/address.ts'

/** The link-local block that probes use between the host's probe port and the bridge; canonical. */
export interface ProbeNetwork {
  /** Number of the first address. */
  readonly first: number
  readonly length: number
}

/** Of a canonical CIDR block of 2 to 24 host bits. */
export function probeNetwork(cidr: string): ProbeNetwork {
  const [address = '', length = ''] = cidr.split('/')
  return { first: parseIpv4(address) ?? 0, length: Number(length) }
}

/** The agent's own address, from which it probes: the first one of the block. */
export function probeHost({ first }: ProbeNetwork): string {
  return formatIpv4(first + 1)
}

/**
 * What a VM sees as the client: no address of the host, or the host's kernel would answer the VM's ARP request, too,
 * where the VM's tap device is one of its own (userspace datapath).
 */
export function probeSource({ first }: ProbeNetwork): string {
  return formatIpv4(first + 2)
}

/** The address that stands for a real server, by its small number (from 1); undefined where the block is too small. */
export function probeAddress({ first, length }: ProbeNetwork, number: number): string | undefined {
  const size = 2 ** (32 - length)
  return number + 2 < size - 1 ? formatIpv4(first + 2 + number) : undefined
}

export function probeCidr({ first, length }: ProbeNetwork): string {
  return `${formatIpv4(first)}/${length}`
}
