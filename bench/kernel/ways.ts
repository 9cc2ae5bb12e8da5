import type { Scheduler } from '../../shared/config/service.ts'
import { mac as vmMac } from '../../test/unit/real-servers/fixtures.ts'

export const DIRECTOR_MAC = '02:00:00:00:00:50'
export const HOST_MAC = '02:00:00:00:00:20'
/** VM n is behind port 10 + n of the host's switch. */
export const VMS = [1, 2, 3]

/** A way from a client to a real server. */
export interface Way {
  readonly name: string
  readonly address: string
  /** Address that the client sends to. */
  readonly mac: string
  /** Namespace that requests pass (inside/network.sh); undefined: none. */
  readonly space?: string
  /** Set for crossport's ways: the service that is compiled. */
  readonly crossport?: { readonly scheduler: Scheduler; readonly highRate: boolean }
  /** False for balancers that work by connection: they have no instructions per packet. */
  readonly proxy?: boolean
}

const plain = (name: string, address: string, mac: string, space?: string): Way => {
  return space === undefined ? { name, address, mac } : { name, address, mac, space }
}
const crossport = (name: string, last: number, scheduler: Scheduler, highRate = false): Way => {
  return { ...plain(name, `10.10.1.${last}`, DIRECTOR_MAC, 'director'), crossport: { scheduler, highRate } }
}

/** The way that goals are measured against. */
export const IPVS_DR = 'IPVS DR'
export const BY_TURNS = 'crossport wlc, by turns'
export const BY_SHARES = 'crossport wlc, by shares'

/** Ways with three real servers each. crossport gives out connections by turns at a low rate, by shares at a high one. */
export const WAYS: readonly Way[] = [
  plain('direct', '10.10.1.31', vmMac(1)),
  plain('static flow', '10.10.1.101', DIRECTOR_MAC, 'director'),
  crossport(BY_TURNS, 110, 'wlc'),
  crossport(BY_SHARES, 111, 'wlc', true),
  crossport('crossport rr', 112, 'rr'),
  crossport('crossport mh', 113, 'mh'),
  plain(IPVS_DR, '10.10.1.102', '02:00:00:00:00:62', 'ipvs-dr'),
  plain('IPVS NAT', '10.10.1.63', '02:00:00:00:00:63', 'ipvs-nat'),
  plain('nftables', '10.10.1.64', '02:00:00:00:00:64', 'nftables'),
  { ...plain('HAProxy', '10.10.1.65', '02:00:00:00:00:65', 'haproxy'), proxy: true },
]

/** The same ways with MANY real servers, where the number may matter. */
export const MANY = 1000
/** The first of the real servers' ports; a server in each VM listens on all of them. */
export const MANY_PORTS = 20_000
export const MANY_WAYS: readonly Way[] = [
  crossport(BY_SHARES, 121, 'wlc', true),
  crossport('crossport mh', 123, 'mh'),
  plain(IPVS_DR, '10.10.1.122', '02:00:00:00:00:62', 'ipvs-dr'),
  plain('IPVS NAT', '10.10.1.73', '02:00:00:00:00:63', 'ipvs-nat'),
  plain('nftables', '10.10.1.74', '02:00:00:00:00:64', 'nftables'),
]

/** Requests as a director sends them, to one VM: measures what signals and recall cost the hypervisor's switch. */
export const WITHOUT = 'without signals and recall'
export const WITH = 'with signals and recall'
export const HOST_WAYS: readonly Way[] = [plain(WITHOUT, '10.10.1.131', HOST_MAC), plain(WITH, '10.10.1.132', HOST_MAC)]

/** One way per line: name, address, hardware address and namespace ('-': none), separated by tabs. */
export function waysText(ways: readonly Way[]): string {
  return ways.map(({ name, address, mac, space = '-' }) => `${[name, address, mac, space].join('\t')}\n`).join('')
}

/** Ways whose instructions per packet are counted. */
export const PACKET_WAYS = WAYS.filter(way => way.proxy !== true)
/** Ways whose connection table grows; with turns it cannot grow so fast. */
export const GROWTH_WAYS = WAYS.filter(way => MANY_WAYS.some(({ name }) => name === way.name))
