import type { ProbeNetwork } from '../probe-port/address.ts'
import type { RealServer } from '../real-servers/types.ts'

export interface CompileInput {
  readonly realServers: readonly RealServer[]
  /** VIPs that VMs hold or may still hold, served or not: the VMs' ARP and ND messages about them are dropped. */
  readonly shields: readonly Shield[]
  /** VIPs of all services that this host has heard of: none of its VMs may take one. */
  readonly guarded: readonly string[]
  /** The number of a VIP, for cookies. */
  numberOf(vip: string): number
  readonly host: HostContext
}

/** Health checks as the host uses them. */
export interface ProbeContext {
  readonly port: ProbePort
  readonly network: ProbeNetwork
  /** Source addresses of checks besides the link-local one, by VM port. */
  readonly sources: Readonly<Record<string, readonly string[]>>
}

/** The port through which health checks enter the bridge. */
export interface ProbePort {
  readonly ofport: number
  readonly mac: string
  /** The agent's own address on the probe port. */
  readonly address: string
  /** UDP source port of all the agent's datagrams. */
  readonly udpPort: number
}

/** VIP `vip` is, or may be, configured in the VM behind `ofport`. */
export interface Shield {
  readonly vip: string
  readonly port: string
  readonly ofport: number
  readonly tag: number | undefined
  /** The VM's own address, which replaces the VIP as the sender of its neighbour requests; undefined: not known. */
  readonly ownAddress: string | undefined
}

export interface HostContext {
  /** H */
  readonly hostMac: string
  /** D; undefined while no director is known. */
  readonly directorMac: string | undefined
  /** Every director that this host knows: each gets signals of its connections, and may ask about them. */
  readonly directors: readonly Director[]
  /** OpenFlow port to the fabric; undefined: not known (the port does not exist, or is a bond of several). */
  readonly uplink: number | undefined
  /** The access VLAN of that port: frames leave it without a tag. */
  readonly uplinkTag?: number | undefined
  /** Every VM's port on the bridge, whether it holds a real server or not. */
  readonly vmPorts: readonly VmPort[]
  /** Undefined on an l2 fabric. */
  readonly overlay: OverlayContext | undefined
  /** Undefined: no real server is checked, or the probe port does not exist yet. */
  readonly probing?: ProbeContext | undefined
}

export interface Director {
  /** D, and R: the address that hosts send signals to. */
  readonly mac: string
  readonly recallMac: string
  /** Underlay address of the director's host on an overlay; undefined: the director is on the virtual network itself. */
  readonly hostIp: string | undefined
}

/** Tunnels as the host uses them. */
export interface OverlayContext {
  /** OpenFlow port of the tunnel port. */
  readonly tunnel: number
  readonly networkKey: number
  /** Underlay addresses of the hosts that clients are on; empty: not known. */
  readonly clientHosts: readonly string[]
  /** Underlay address of the director's host; undefined while it is not known. */
  readonly directorIp: string | undefined
  /** Table of a network controller, which then forwards everything; undefined: the agent does. */
  readonly forwardTable: number | undefined
}

export interface VmPort {
  readonly name: string
  readonly mac: string
  readonly ofport: number
  readonly tag: number | undefined
}
