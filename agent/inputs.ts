import { parseServiceFile } from '../shared/config/parse.ts'
import type { ServiceSpec, SpecProblem } from '../shared/config/service.ts'
import type { ServicesSnapshot } from '../shared/config/snapshot.ts'
import type { Inventory } from './inventory/types.ts'
import type { PortsSnapshot } from './ports/types.ts'
import type { Store } from './store/store.ts'
import type { DirectorDocument, DirectorInfo } from './store/types.ts'

/** What the agent knows from outside, each the newest snapshot. Watchers write here and mark the loop; the loop reads. */
export interface Inputs {
  services: ServicesSnapshot
  inventory: Inventory
  ports: PortsSnapshot
  /** The one that answers for the VIPs. */
  director: DirectorInfo | undefined
  /** All that have been heard of, by the address that they were dialled at. */
  directors: ReadonlyMap<string, DirectorInfo>
  documents: readonly DirectorDocument[]
  /** False: there is a director, and neither it nor the state file has told its documents. */
  heardDocuments: boolean
  directorState: { readonly state: 'connected' | 'registered' | 'disconnected' | 'none'; readonly reason: string }
  switchUp: boolean
  switchReason: string
  /** The tunnel port of an overlay; undefined on an l2 fabric. */
  tunnel: TunnelState | undefined
}

export interface TunnelState {
  readonly name: string
  /** Why there is none, or none that fits. */
  readonly problem: string | undefined
  /** What it is, for people: `vxlan from 172.24.1.20`. */
  readonly detail: string
  /** Bytes of an IP packet that fit into the tunnel; undefined: the MTU of the underlay is not known. */
  readonly room: number | undefined
}

/**
 * Starts from what SQLite remembers, so that a host whose libvirt or director is away still knows its part.
 * `addresses`: of the directors that are configured.
 */
export function initialInputs(store: Store, addresses: readonly string[] = []): Inputs {
  return {
    services: { synced: false, specs: [], problems: [], documents: [], files: [] },
    inventory: { synced: false, domains: store.domains(), reason: 'connecting to libvirt' },
    ports: { synced: false, bridge: undefined, ports: [], reason: 'connecting to ovsdb-server' },
    director: store.director(),
    directors: new Map([...store.directors()].filter(([address]) => addresses.includes(address))),
    documents: store.documents(),
    heardDocuments: addresses.length === 0 || store.director() !== undefined,
    directorState: { state: 'none', reason: 'no director has been heard of yet' },
    switchUp: false,
    switchReason: 'connecting to the switch',
    tunnel: undefined,
  }
}

/** What must be known before anything is done at all; undefined: go. Deleting needs more (see `mayDelete`). */
export function missing(inputs: Inputs): string | undefined {
  if (!inputs.services.synced) return 'the service files'
  if (inputs.ports.bridge === undefined) return inputs.ports.reason ?? 'the bridge'
  if (!inputs.switchUp) return inputs.switchReason
  const { tunnel } = inputs
  if (tunnel !== undefined && tunnelOfport(inputs) === undefined)
    return tunnel.problem ?? `tunnel port ${tunnel.name} of the bridge`
  if (!inputs.inventory.synced && inputs.inventory.domains.length === 0) return inputs.inventory.reason ?? 'libvirt'
  return undefined
}

/** OpenFlow number of the tunnel port; undefined while Open vSwitch has not opened it. */
export function tunnelOfport({ ports, tunnel }: Pick<Inputs, 'ports' | 'tunnel'>): number | undefined {
  return ports.ports.find(port => port.name === tunnel?.name)?.ofport
}

/** For how long an idle connection is kept: no less than by any director. */
export function connectionSeconds({ directors }: Pick<Inputs, 'directors'>): number {
  return Math.max(...[...directors.values()].map(({ connectionSeconds = 900 }) => connectionSeconds), 1)
}

/**
 * Gate for deletions: a flow is only swept on the word of inputs that have all been in sync in this process. The
 * director's word is in the state file; where there is none (`--rebuild-state`), it has to be heard.
 */
export function createSweepGate() {
  const pending = new Set(['services', 'ports', 'inventory', 'documents'])
  return (inputs: Inputs): boolean => {
    if (inputs.services.synced) pending.delete('services')
    if (inputs.ports.synced) pending.delete('ports')
    if (inputs.inventory.synced) pending.delete('inventory')
    if (inputs.heardDocuments) pending.delete('documents')
    return pending.size === 0
  }
}

/** The director's documents as specs; each is parsed again only when it changes. */
export function createDocumentParser() {
  let last: { documents: readonly DirectorDocument[]; result: ParsedDocuments } | undefined
  let known: ReadonlyMap<string, ParsedDocument> = new Map()
  return (documents: readonly DirectorDocument[]): ParsedDocuments => {
    if (last?.documents === documents) return last.result
    const specs: ServiceSpec[] = []
    const problems: SpecProblem[] = []
    const next = new Map<string, ParsedDocument>()
    for (const { file, line, text } of documents) {
      const place = `${file}:${line}`
      const before = known.get(place)
      const one =
        before?.text === text ? before : { text, ...parseServiceFile(text, file, { origin: 'director', line }) }
      next.set(place, one)
      specs.push(...one.specs)
      problems.push(...one.problems)
    }
    known = next
    last = { documents, result: { specs, problems } }
    return last.result
  }
}

interface ParsedDocument extends ParsedDocuments {
  readonly text: string
}

export interface ParsedDocuments {
  readonly specs: readonly ServiceSpec[]
  readonly problems: readonly SpecProblem[]
}
