import type { Flow } from '../../shared/flows/types.ts'
import type { Share } from '../schedule/types.ts'

/** The director's place in the network. */
export interface Site {
  /** D, lower case: answers ARP and neighbour solicitations for the VIPs. */
  readonly directorMac: string
  /** R, lower case: source of SYNs and of questions to the hosts, destination of signals and answers. */
  readonly recallMac: string
  /** OpenFlow port to the fabric. */
  readonly uplink: number
  /** Hardware addresses of the director's own bridge: a real server behind one of them is reached through table 0. */
  readonly ownMacs: readonly string[]
  /** Access ports of the bridge: their frames carry no tag yet. */
  readonly accessPorts: readonly { readonly ofport: number; readonly tag: number }[]
  readonly fabric: 'l2' | OverlaySite
  /** The director counts packets of connections (director/accounting), because the datapath does not. */
  readonly accounting: boolean
}

/** Tunnels between hosts; the uplink is the tunnel port. */
export interface OverlaySite {
  readonly networkKey: number
  /** Underlay addresses of the hosts that clients are on; the VIPs are announced to them. */
  readonly clientHosts: readonly string[]
}

/** A real server, as far as forwarding needs it. */
export interface Target {
  /** The same for as long as the real server exists; also the id of its bucket. */
  readonly mark: number
  readonly hostMac: string
  readonly hostIp: string
  readonly ingressPort: number
  /** False: the real server takes only packets of established connections. */
  readonly newConnections: boolean
}

/** A virtual service, scheduled and numbered. */
export interface CompiledService {
  readonly vip: string
  readonly port: number
  readonly protocol: 'tcp' | 'udp'
  /** CIDR blocks; only the family's `anyone` when there is no restriction. */
  readonly clients: readonly string[]
  /** The same for as long as the service exists: cookie object and group number. */
  readonly number: number
  readonly zone: number
  /** Where clients are persistent: zone of the clients' entries, seconds, and netmask. */
  readonly persistence?: {
    readonly zone: number
    readonly timeout: number
    readonly mask: string
    /** The table was lost not long ago: hosts are asked about clients that it does not know. */
    readonly recalled: boolean
  }
  /** What happens to requests that no real server can serve: the director refuses them, or they are dropped. */
  readonly onEmpty: 'reject' | 'drop'
  /** The address whose hash chooses among a share's equal slots; undefined: shares are proportions. */
  readonly hashField?: 'src' | 'dst'
  /** Shares of new connections, by mark; empty when turns decide, or when no real server can serve. */
  readonly shares: readonly (Omit<Share, 'id'> & { readonly mark: number })[]
  /** New connections go to these marks one after the other; after the last, from `again` on. */
  readonly turns?: { readonly order: readonly number[]; readonly again: number; readonly after: number }
  /** False while connections come at such a rate that an account of each would cost too much. */
  readonly accounted: boolean
  /** All real servers that packets may still go to. */
  readonly targets: readonly Target[]
}

/** One file per feature (features/*.ts): a pure function from the site and one service to flows. */
export type Feature = (site: Site, service: CompiledService) => { readonly flows: readonly Flow[] }

/** The same for a feature that exists once per VIP, whatever the number of services on it. `number`: of the VIP. */
export type VipFeature = (site: Site, vip: string, number: number) => readonly Flow[]
