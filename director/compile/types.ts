import type { Flow } from '../../shared/flows/types.ts'
import type { Share } from '../schedule/types.ts'

/** The director's place in the network. */
export interface Site {
  /** D, lower case: answers ARP and neighbour solicitations for the VIPs. */
  readonly directorMac: string
  /** R, lower case: source of SYNs and of questions to the hosts, destination of what hosts tell of connections. */
  readonly recallMac: string
  /** OpenFlow port to the fabric. */
  readonly uplink: number
  /** Hardware addresses of the bridge that the director works on: a real server there is reached through table 0. */
  readonly ownMacs: readonly string[]
  /** Ports of the bridge that are in a VLAN: their frames carry no tag yet. */
  readonly accessPorts: readonly { readonly ofport: number; readonly tag: number }[]
  readonly fabric: 'l2' | OverlaySite
  /** Packets of connections are counted by the director (director/accounting), where the datapath does not. */
  readonly accounting: boolean
}

/** Tunnels between hosts; the uplink is the tunnel port. */
export interface OverlaySite {
  readonly networkKey: number
  /** Underlay addresses of the hosts that clients are on: they hear of the VIPs. */
  readonly clientHosts: readonly string[]
}

/** A real server as forwarding sees it. */
export interface Target {
  /** Stable for ever; also the id of its bucket. */
  readonly mark: number
  readonly hostMac: string
  readonly hostIp: string
  readonly ingressPort: number
  /** False: it takes packets of established connections only. */
  readonly newConnections: boolean
}

/** A virtual service, scheduled and numbered. */
export interface CompiledService {
  readonly vip: string
  readonly port: number
  readonly protocol: 'tcp' | 'udp'
  /** CIDR blocks; the family's `anyone` alone for everyone. */
  readonly clients: readonly string[]
  /** Stable for as long as the service is there: cookie object and group number. */
  readonly number: number
  readonly zone: number
  /** Zone of the clients' marks, seconds and netmask, where clients are persistent. */
  readonly persistence?: {
    readonly zone: number
    readonly timeout: number
    readonly mask: string
    /** The table was lost not long ago: hosts are asked about clients that it does not know. */
    readonly recalled: boolean
  }
  /** Requests that nobody can serve: to the director, which refuses them, or dropped. */
  readonly onEmpty: 'reject' | 'drop'
  /** The address whose hash chooses among a share's equal slots; undefined: the shares are proportions. */
  readonly hashField?: 'src' | 'dst'
  /** New connections, by mark; none where they are given out by turns, or nobody can serve. */
  readonly shares: readonly (Omit<Share, 'id'> & { readonly mark: number })[]
  /** New connections: to these marks, one after the other, and round again from `again` on. */
  readonly turns?: { readonly order: readonly number[]; readonly again: number; readonly after: number }
  /** False while so many connections come that an account of each would cost too much. */
  readonly accounted: boolean
  /** All real servers that packets may still go to. */
  readonly targets: readonly Target[]
}

/** One file a feature (features/*.ts): a pure function from the site and one service to flows. */
export type Feature = (site: Site, service: CompiledService) => { readonly flows: readonly Flow[] }

/** Likewise, for what exists once a VIP, whatever the number of services on it. */
export type VipFeature = (site: Site, vip: string) => readonly Flow[]
