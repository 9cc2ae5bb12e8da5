import type { ServicesSnapshot } from '../shared/config/snapshot.ts'
import type { Switch } from '../shared/switch/types.ts'
import { type Directors, type Documents, inOrder } from './directors.ts'
import type { GuestStatus } from './guest/types.ts'
import type { Health } from './health/types.ts'
import type { Inventory } from './inventory/types.ts'
import { ofportOf } from './ports/find.ts'
import type { PortsSnapshot } from './ports/types.ts'
import type { Store } from './store/store.ts'
import type { GuestRecord } from './store/types.ts'

/** What the agent knows from outside, each the newest snapshot. A change of any of them asks for a pass. */
export interface Inputs {
  readonly services: ServicesSnapshot
  readonly inventory: Inventory
  readonly ports: PortsSnapshot
  readonly directors: Directors
  readonly documents: Documents
  readonly switch: SwitchState
  /** This host's own address in the underlay; undefined while it has none. */
  readonly hostIp: string | undefined
  /** The tunnel port of an overlay; undefined on an l2 fabric. */
  readonly tunnel: TunnelState | undefined
  /** What guests were given. */
  readonly records: readonly GuestRecord[]
  readonly guests: GuestStatuses
  readonly health: HealthVerdicts
  /** Nothing is wanted any more (teardown), until the process ends. */
  readonly withdrawn: boolean
}

export interface SwitchState {
  /** Undefined while there is no connection. */
  readonly session: Session | undefined
  /** Why there is none, in words for the operator. */
  readonly reason: string
}

/** What the agent does with its switch. */
export type Session = Pick<Switch, 'readInstalled' | 'commit' | 'packetOut' | 'readFlowStats'>

export interface TunnelState {
  readonly name: string
  /** Why there is none, or none that fits. */
  readonly problem: string | undefined
  /** What it is, for people: `vxlan from 172.24.1.20`. */
  readonly detail: string
  /** Bytes of an IP packet that fit into the tunnel; undefined: the MTU of the underlay is not known. */
  readonly mtu: number | undefined
}

/** The functions tell what is so now; another object tells that a status has changed. */
export interface GuestStatuses {
  status(vmUuid: string, mac: string): GuestStatus | undefined
}

/** Likewise: another object tells that a verdict, or what a check needs of this host, has changed. */
export interface HealthVerdicts {
  /** By a real server's key; undefined for one that is not checked. */
  health(key: string): Health | undefined
  /** The newest result in words; '' where there is none. */
  last(key: string): string
}

/**
 * Starts from what SQLite remembers, so that a host whose libvirt or director is away still knows its part.
 *
 * @param addresses - of the directors that are configured, in their order
 * @param hostIp - as configured
 */
export function initialInputs(
  store: Store,
  addresses: readonly string[],
  tunnel: TunnelState | undefined,
  hostIp?: string,
): Inputs {
  // Whoever is not configured any more is forgotten.
  const all = inOrder(addresses, store.directors())
  const last = store.director()
  const active = [...all.values()].find(({ id, mac }) => id === last?.id && mac === last.mac)
  return {
    services: { synced: false, specs: [], problems: [], documents: [], files: [] },
    inventory: { synced: false, domains: store.domains(), reason: 'connecting to libvirt' },
    ports: { synced: false, bridge: undefined, ports: [], reason: 'connecting to ovsdb-server' },
    directors: { active: active ?? all.values().find(one => one.active), all },
    documents: { heard: addresses.length === 0 || all.size > 0, byDirector: inOrder(addresses, store.documents()) },
    switch: { session: undefined, reason: 'connecting to the switch' },
    hostIp,
    tunnel,
    records: store.guestRecords.list(),
    guests: { status: () => undefined },
    health: { health: () => undefined, last: () => '' },
    withdrawn: false,
  }
}

export const NO_HOST_IP =
  'the address of this host in the underlay is not known: there is no route to a director, and hostIp is not configured'

/** What must be known before anything is done at all; undefined: go. Deleting needs more (see `createSweepGate`). */
export function missing(inputs: Inputs): string | undefined {
  if (!inputs.services.synced) return 'the service files'
  if (inputs.tunnel !== undefined && inputs.hostIp === undefined) return NO_HOST_IP
  if (inputs.ports.bridge === undefined) return inputs.ports.reason ?? 'the bridge'
  if (inputs.switch.session === undefined) return inputs.switch.reason
  const { tunnel } = inputs
  if (tunnel !== undefined && tunnelOfport(inputs) === undefined)
    return tunnel.problem ?? `tunnel port ${tunnel.name} of the bridge`
  if (!inputs.inventory.synced && inputs.inventory.domains.length === 0) return inputs.inventory.reason ?? 'libvirt'
  return undefined
}

/** OpenFlow number of the tunnel port; undefined while Open vSwitch has not opened it. */
export function tunnelOfport({ ports, tunnel }: Pick<Inputs, 'ports' | 'tunnel'>): number | undefined {
  return tunnel === undefined ? undefined : ofportOf(ports, tunnel.name)
}

/** Seconds that an idle connection is kept: no less than by any director. */
export function connectionSeconds({ all }: Directors): number {
  return Math.max(...[...all.values()].map(({ connectionSeconds = 900 }) => connectionSeconds), 1)
}

/**
 * Gate for deletions: a flow is only swept on the word of inputs that have all been in sync in this process. The
 * director's word is in the state file; where there is none (`--rebuild-state`), it has to be heard. Neither is it known
 * then what a VM that cannot be read had: it has to be read; nor which VIPs a director may give: VMs have to tell their networks.
 *
 * @param rebuilt - the state file knew no VM
 */
export function createSweepGate(rebuilt: boolean) {
  const pending = new Set(['services', 'ports', 'inventory', 'documents', 'networks'])
  const allRead = ({ unreadable = [], domains }: Inventory) =>
    unreadable.every(({ uuid }) => domains.some(domain => domain.uuid === uuid))
  /** `waiting`: services of directors wait until it is known what VIPs they may have. */
  return (inputs: Pick<Inputs, 'services' | 'ports' | 'inventory' | 'documents'>, waiting: boolean): boolean => {
    if (inputs.services.synced) pending.delete('services')
    if (inputs.ports.synced) pending.delete('ports')
    if (inputs.inventory.synced && (!rebuilt || allRead(inputs.inventory))) pending.delete('inventory')
    if (inputs.documents.heard) pending.delete('documents')
    // Last, for it can only be told when all else has been read.
    if (!rebuilt || (pending.size === 1 && !waiting)) pending.delete('networks')
    return pending.size === 0
  }
}
