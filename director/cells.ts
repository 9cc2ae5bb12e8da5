import type { ServicesSnapshot } from '../shared/config/snapshot.ts'
import type { CertificateState } from '../shared/identity/keeper.ts'
import type { OvsdbClient } from '../shared/ovsdb/connection.ts'
import type { TunnelPortKeeper } from '../shared/ovsdb/keep-tunnel-port.ts'
import type { Input } from '../shared/rpc/gen/crossport/v1/Input.ts'
import type { Problem } from '../shared/rpc/gen/crossport/v1/Problem.ts'
import { type Cell, createCell, createTopic, type Topic } from '../shared/run/cell.ts'
import type { Clock } from '../shared/run/clock.ts'
import { createInbox, type Inbox } from '../shared/run/inbox.ts'
import type { PacketIn, Switch } from '../shared/switch/types.ts'
import type { Floods } from './balance/floods.ts'
import type { Forgotten } from './balance/forgotten.ts'
import type { Passive } from './balance/passive.ts'
import type { ZoneFill } from './balance/zone-fill.ts'
import type { Site } from './compile/types.ts'
import type { Agents } from './intake/agents.ts'
import type { BridgeProblem, BridgeView } from './intake/bridge.ts'
import type { OwnAddresses } from './intake/own-addresses.ts'
import type { Offer } from './intake/types.ts'
import type { Outcome } from './outlets/types.ts'
import { unjudged } from './plan/plan.ts'
import type { Releasable } from './plan/release.ts'
import type { VirtualService } from './registry/services.ts'
import type { Registry } from './registry/types.ts'
import type { ServiceLoad } from './schedule/load.ts'
import type { Knowledge } from './schedule/schedule.ts'

export type InputName = 'files' | 'ovsdb' | 'switch' | 'agents'
export const INPUT_NAMES: readonly InputName[] = ['files', 'ovsdb', 'switch', 'agents']

export type KnowledgeOf = (service: VirtualService) => Knowledge
export type LoadOf = (key: string) => ServiceLoad | undefined
export type Judgement = Pick<Passive, 'judged' | 'acceptanceOf' | 'unheard'>

/** What the director's parts exchange. A cell holds a newest value; a topic carries events; the pass empties an inbox. */
export interface Cells {
  /** The services of the files, with the real servers of sorry services. */
  readonly services: Cell<ServicesSnapshot>
  readonly registry: Cell<Registry>
  /** The bridge as the database describes it, while it can be relied on; and the connection to the database. */
  readonly bridge: Cell<BridgeView | undefined>
  readonly bridgeProblem: Cell<BridgeProblem | undefined>
  readonly ovsdb: Cell<OvsdbClient | undefined>
  readonly tunnel: Cell<TunnelPortKeeper | undefined>
  /** The director's place in the network. Keeps its last value while the database is away. */
  readonly site: Cell<Site | undefined>
  readonly switch: Cell<Switch | undefined>
  /** Addresses of the director's machine and of its gateways. */
  readonly ownAddresses: Cell<OwnAddresses>
  readonly agents: Cell<Agents | undefined>
  /** The director's own certificate; undefined: agents are talked to in the clear. */
  readonly certificate: Cell<CertificateState | undefined>
  /** Whether each input is in sync, for the loop's gate and for status. */
  readonly inputStates: Readonly<Record<InputName, Cell<Input>>>

  /** What the observers have learnt about connections; nothing before they have started. */
  readonly knowledge: Cell<KnowledgeOf>
  readonly loads: Cell<LoadOf>
  readonly passive: Cell<Judgement>
  readonly forgotten: Cell<Forgotten['of']>
  readonly floods: Cell<Pick<Floods, 'floods'>>
  readonly zoneFill: Cell<Omit<ZoneFill, 'stop'>>
  /** Keys of the services whose shares must be calculated anew. */
  readonly due: Inbox<string>

  /** Services and real servers whose numbers the switch no longer uses. */
  readonly releasable: Inbox<Releasable>
  /** An operator has told the director to withdraw everything. */
  readonly tornDown: Cell<boolean>
  /** What the loop waits for before it acts; undefined: nothing. */
  readonly waiting: Cell<string | undefined>
  /** The newest outcome that the switch has confirmed. */
  readonly outcome: Cell<Outcome | undefined>
  readonly offer: Cell<Offer | undefined>
  /** Problems with the fill of the connection table. */
  readonly tableProblems: Cell<readonly Problem[]>
  /** Reads the service files again. */
  readonly reload: Cell<() => Promise<void>>

  /** A packet that the switch has sent to the director's process. */
  readonly packets: Topic<PacketIn>
  /** A packet whose sender is to be refused. */
  readonly refused: Topic<PacketIn>
  /** A session with the switch has begun: the switch may be another one, or restarted. */
  readonly switchUp: Topic<void>
  /** Somebody else has changed our flows in the switch. */
  readonly drift: Topic<string>
  /** An operator wants everything compared with the switch. */
  readonly resync: Topic<void>
  /** The switch's connection table is a new one. */
  readonly tableLost: Topic<void>
  /** The status has changed. */
  readonly changed: Topic<void>
}

const NO_SERVICES: ServicesSnapshot = { synced: false, specs: [], problems: [], documents: [], files: [] }

const NO_JUDGEMENT: Judgement = { judged: unjudged, acceptanceOf: () => undefined, unheard: () => [] }

const NOT_LIMITED = { problems: [], isFull: async () => false, entriesOf: async () => undefined }

/** `registry`: as restored from the state file. */
export function createCells(clock: Clock, registry: Registry): Cells {
  const since = clock.wall().toISOString()
  const input = (name: InputName) => createCell<Input>({ name, state: 'away', detail: 'starting', since })
  return {
    services: createCell(NO_SERVICES),
    registry: createCell(registry),
    bridge: createCell<BridgeView | undefined>(undefined),
    bridgeProblem: createCell<BridgeProblem | undefined>(undefined),
    ovsdb: createCell<OvsdbClient | undefined>(undefined),
    tunnel: createCell<TunnelPortKeeper | undefined>(undefined),
    site: createCell<Site | undefined>(undefined),
    switch: createCell<Switch | undefined>(undefined),
    ownAddresses: createCell<OwnAddresses>({ own: new Set(), gateways: new Set() }),
    agents: createCell<Agents | undefined>(undefined),
    certificate: createCell<CertificateState | undefined>(undefined),
    inputStates: { files: input('files'), ovsdb: input('ovsdb'), switch: input('switch'), agents: input('agents') },
    knowledge: createCell<KnowledgeOf>(() => ({ now: clock.now() })),
    loads: createCell<LoadOf>(() => undefined),
    passive: createCell(NO_JUDGEMENT),
    forgotten: createCell<Forgotten['of']>(() => 0),
    floods: createCell<Pick<Floods, 'floods'>>({ floods: [] }),
    zoneFill: createCell<Omit<ZoneFill, 'stop'>>(NOT_LIMITED),
    due: createInbox(),
    releasable: createInbox(),
    tornDown: createCell(false),
    waiting: createCell<string | undefined>(undefined),
    outcome: createCell<Outcome | undefined>(undefined),
    offer: createCell<Offer | undefined>(undefined),
    tableProblems: createCell<readonly Problem[]>([]),
    reload: createCell(async () => {}),
    packets: createTopic(),
    refused: createTopic(),
    switchUp: createTopic(),
    drift: createTopic(),
    resync: createTopic(),
    tableLost: createTopic(),
    changed: createTopic(),
  }
}

/** The first input that is not in sync, in words for the operator; undefined when all are. */
export function missing({ services, site, inputStates }: Cells): string | undefined {
  if (!services.get().synced) return 'the service files'
  if (site.get() === undefined) return `the bridge: ${inputStates.ovsdb.get().detail}`
  const { state, detail } = inputStates.switch.get()
  return state === 'in sync' ? undefined : `the switch: ${detail}`
}

/** Sets the state of an input; the same state again changes nothing. */
export function setInput(cell: Cell<Input>, clock: Clock, state: 'in sync' | 'away', detail: string): void {
  const before = cell.get()
  if (before.state === state && before.detail === detail) return
  const since = before.state === state ? before.since : clock.wall().toISOString()
  cell.set({ ...before, state, detail, since: since ?? '' })
}
