import type { Backend } from '../backends/types.ts'

export interface CompileInput {
  readonly backends: readonly Backend[]
  /** VIPs that VMs hold or may still hold, served or not: none of them may be heard. */
  readonly shields: readonly Shield[]
  readonly host: HostContext
}

/** VIP `vip` is, or may be, configured in the VM behind `ofport`. */
export interface Shield {
  readonly vip: string
  readonly port: string
  readonly ofport: number
  readonly tag: number | undefined
  /** The VM's own address, which takes the VIP's place as ARP sender; undefined: unknown, then 0.0.0.0 (RFC 5227 probe). */
  readonly ownAddress: string | undefined
}

export interface HostContext {
  /** H */
  readonly hostMac: string
  /** D, undefined while no director has been heard of. */
  readonly directorMac: string | undefined
  /** Every VM's port on the bridge, whether it holds a real server or not. */
  readonly vmPorts: readonly VmPort[]
}

export interface VmPort {
  readonly name: string
  readonly ofport: number
  readonly tag: number | undefined
}
