import type { Applied, Applier } from '../shared/apply/apply.ts'
import { createMerger } from '../shared/config/merge.ts'
import type { ServiceSpec, SpecProblem } from '../shared/config/service.ts'
import { createSorryServices } from '../shared/config/sorry-service.ts'
import type { Log } from '../shared/log.ts'
import type { Timeline } from '../shared/run/timeline.ts'
import type { Switch } from '../shared/switch/types.ts'
import { announceDirector } from './apply/announce.ts'
import type { Taught } from './apply/bridge-teacher.ts'
import { createCompiler } from './compile/compiler.ts'
import type { Director, VmPort } from './compile/types.ts'
import type { GuestManager } from './guest/manager.ts'
import { createTargeter } from './guest/targeter.ts'
import type { GuestTarget } from './guest/types.ts'
import type { HealthRoom } from './health/room.ts'
import { createDocumentParser, createSweepGate, type Inputs } from './inputs.ts'
import type { Domain } from './inventory/types.ts'
import { createJourney } from './journey.ts'
import { createAddressMemory, createReadyMemory } from './memory.ts'
import { type HostOverlay, overlayContext } from './overlay.ts'
import type { PortsSnapshot } from './ports/types.ts'
import { indexPorts, type PortIndex } from './real-servers/attach.ts'
import type { PortRange } from './real-servers/ingress.ts'
import { createResolver } from './real-servers/resolver.ts'
import type { RealServer, RealServerProblem } from './real-servers/types.ts'
import { createReports } from './report/reports.ts'
import type { ReportedRealServer } from './report/types.ts'
import type { Store } from './store/store.ts'
import type { DirectorDocument, DirectorInfo } from './store/types.ts'

export interface ReconcileOptions {
  readonly inputs: Inputs
  readonly store: Store
  readonly applier: Applier
  readonly guest: Pick<GuestManager, 'set' | 'status' | 'changes'>
  readonly health: HealthRoom
  readonly sw: Pick<Switch, 'readInstalled' | 'commit' | 'packetOut'>
  readonly ingressPorts: PortRange
  readonly hostMac: string | undefined
  /** Name of the port to the fabric. */
  readonly uplink: string
  /** Undefined on an l2 fabric. */
  readonly overlay: HostOverlay | undefined
  readonly timeline: Timeline
  readonly log: Log
  /** What goes with the flows beside the bridge. Rejects: the flows are applied, and all is tried again. */
  accompany(company: Company): Promise<void>
  /** Hears of every real server after each pass, and of the documents that it was made from. */
  onReport(list: readonly ReportedRealServer[], hostMac: string, documents: readonly DirectorDocument[]): void
}

/** What flows need beside them. */
export interface Company {
  readonly datapathType: string
  /** For how long hosts remember a persistent client; 0: there is none. */
  readonly clientSeconds: number
  /** Addresses that the bridge must know the port of. */
  readonly taught?: { readonly port: string; readonly addresses: readonly Taught[] }
}

/** What the last pass came to; what status shows. */
export interface Picture {
  readonly specs: readonly ServiceSpec[]
  readonly specProblems: readonly SpecProblem[]
  readonly realServers: readonly RealServer[]
  readonly realServerProblems: readonly RealServerProblem[]
  readonly reports: readonly ReportedRealServer[]
  readonly targets: readonly GuestTarget[]
}

export interface Reconciler {
  /** One pass over everything; throws when the switch could not be brought to it, and is then called again. */
  pass(): Promise<Applied>
  readonly picture: Picture
  /** From now on nothing is wanted (teardown), until the process ends. */
  withdraw(): void
}

const NOTHING: Picture = {
  specs: [],
  specProblems: [],
  realServers: [],
  realServerProblems: [],
  reports: [],
  targets: [],
}

/**
 * The one place that acts. After a restart, in this order:
 *  1. SQLite gives back what was known: the director's word, last good files, VMs, numbers, what guests were given.
 *  2. Nothing happens until the service files have been read, OVSDB has told of the bridge's ports and the switch answers.
 *  3. The switch's own flows are read back, and only the difference to what is wanted is sent, in one bundle.
 *  4. Nothing is deleted before libvirt, OVSDB and the files have each been in sync once in this process, and the
 *     director's documents are known.
 *  5. A VIP goes into a guest only after the switch has confirmed its shield; what a guest has is verified, not set anew.
 *  6. The director hears of real servers only after the first pass; one that was ready in the same run of its VM stays ready.
 *     Without a state file (`--rebuild-state`) it keeps silent until its guests have been asked, see `Reporter.update`.
 */
export function createReconciler(options: ReconcileOptions): Reconciler {
  const { inputs, store, applier, guest, health, sw, timeline, log } = options
  const parseDocuments = createDocumentParser()
  const merge = createMerger()
  const withSorryServices = createSorryServices()
  const sweepGate = createSweepGate()
  const resolver = createResolver(store.allocations())
  const compiler = createCompiler()
  const makeTargets = createTargeter()
  const makeReports = createReports()
  const ready = createReadyMemory(store)
  const own = createAddressMemory(store, guest)
  const journey = createJourney(timeline, log)
  const saved = createSavedInputs(store)
  let withdrawn = false
  let picture = NOTHING
  /** The last pass came to its end: state file and applier know all but what has changed since. */
  let complete = false
  /** The director that this host's clients know; an agent that starts takes it that they know the last one. */
  let announced = inputs.director?.mac
  let plugged:
    | { readonly of: PortsSnapshot; readonly ports: PortIndex; readonly vmPorts: readonly VmPort[] }
    | undefined

  const portIndex = () => {
    if (plugged?.of === inputs.ports) return plugged
    const ports = indexPorts(inputs.ports)
    const vmPorts = [...ports].flatMap(([mac, { name, ofport, tag }]) =>
      ofport !== undefined && ofport > 0 ? [{ name, mac, ofport, tag }] : [],
    )
    plugged = { of: inputs.ports, ports, vmPorts }
    return plugged
  }

  const pass = async (): Promise<Applied> => {
    const sweep = sweepGate(inputs)
    const whole = !complete
    complete = false
    const { documents } = inputs
    const merged = wanted()
    saved.director(inputs.director, inputs.directors, documents)
    if (inputs.inventory.synced) saved.domains(inputs.inventory.domains)
    journey.files(merged.specs)

    const { ports, vmPorts } = portIndex()
    const hostMac = options.hostMac ?? inputs.ports.bridge?.mac
    if (hostMac === undefined) throw new Error(`the bridge has no hardware address yet`)
    const directorMac = inputs.director?.mac
    const { ofport: uplink, tag: uplinkTag } = inputs.ports.ports.find(port => port.name === options.uplink) ?? {}
    const member = inputs.ports.ports.find(({ name, bond }) => name === options.uplink || bond === options.uplink)
    const { domains } = inputs.inventory
    const records = store.guestRecords.list()
    const resolution = resolver.update({
      specs: merged.specs,
      inventory: inputs.inventory,
      ports: inputs.ports,
      ingressPorts: options.ingressPorts,
    })
    const { realServers, gone, come } = resolution
    const probing = health.plan(realServers, inputs.ports, { sweep })
    const overlay = overlayContext(options.overlay, inputs)
    const directors = directorsOf(inputs)
    const host = { hostMac, directorMac, directors, uplink, uplinkTag, vmPorts, overlay, probing }
    const ownAddresses = own.of(domains, records)
    const changed = compiler.update({ gone, come, records, ports, ownAddresses, host })
    if (whole) store.setAllocations(resolution.allocations)
    else saveNumbers(store, gone, come)
    own.remember()

    let failure: unknown
    let applied: Applied = { added: 0, changed: 0, deleted: 0 }
    let unaccompanied: { readonly error: unknown } | undefined
    if (directors.length > 0) {
      const clients = Math.max(0, ...realServers.map(({ persistence }) => persistence?.timeout ?? 0))
      const floods = options.overlay === undefined && (uplink === undefined || uplinkTag !== undefined)
      const vlans = new Set(
        realServers.flatMap(({ attachment }) => (attachment === undefined ? [] : (attachment.tag ?? 0))),
      )
      const taught = directors.flatMap(({ recallMac: mac }) => [...vlans].map(vlan => ({ mac, vlan })))
      const company = {
        datapathType: inputs.ports.bridge?.datapathType ?? '',
        clientSeconds: clients,
        ...(floods && member !== undefined ? { taught: { port: member.name, addresses: taught } } : {}),
      }
      await options.accompany(company).catch((error: unknown) => {
        unaccompanied = { error }
      })
    }
    try {
      applied = await applier.apply(compiler.compiled, sw, { sweep, ...(whole ? {} : { changed }) })
      if (applied.added + applied.changed + applied.deleted > 0)
        log.info('flows confirmed by the switch', { ...applied })
      if (directorMac !== undefined && directorMac !== announced) {
        if (announced !== undefined) await announceDirector(sw, compiler.shields(), host, directorMac)
        announced = directorMac
      }
    } catch (error) {
      failure = error
    }

    const allConfirmed = failure === undefined && applier.quarantined.length === 0
    const targets = makeTargets({
      gone,
      come,
      domains,
      records: store.guestRecords.list(),
      probeNetwork: health.network,
      shielded: (vip, port) => applier.confirmed(`shield/${vip}/${port}`),
      allShielded: allConfirmed,
    })
    guest.set(targets)

    health.set({ confirmed: applier.confirmed, allConfirmed, guest: guest.status, wasReady: ready.was })
    const reports = makeReports({
      realServers,
      gone: whole ? undefined : gone,
      confirmed: applier.confirmed,
      allConfirmed,
      flowsReason: failure instanceof Error ? failure.message : undefined,
      guest: guest.status,
      health: health.health,
      wasReady: ready.was,
    })
    picture = {
      specs: merged.specs,
      specProblems: merged.problems,
      realServers,
      realServerProblems: resolution.problems,
      reports: reports.list,
      targets,
    }
    journey.reports(reports.changed, reports.gone)
    options.onReport(reports.list, hostMac, documents)
    ready.remember(reports.changed, reports.gone)
    store.serviceFiles.save(inputs.services.files)
    if (failure !== undefined) throw failure
    if (unaccompanied !== undefined) throw unaccompanied.error
    complete = true
    return applied
  }

  const wanted = () => {
    const received = parseDocuments(inputs.documents)
    if (withdrawn) return { specs: [], problems: [] }
    const merged = merge(inputs.services.specs, received.specs)
    const { specs, problems } = withSorryServices(merged.specs)
    return { specs, problems: [...inputs.services.problems, ...received.problems, ...merged.problems, ...problems] }
  }

  return {
    pass,
    get picture() {
      return picture
    },
    withdraw: () => {
      withdrawn = true
    },
  }
}

/** Numbers must be kept before they are used. A real server that only changes keeps its row. */
function saveNumbers(store: Store, gone: readonly RealServer[], come: readonly RealServer[]): void {
  if (gone.length + come.length === 0) return
  const stay = new Set(come.map(realServer => realServer.key))
  store.changeAllocations(
    gone.flatMap(({ key }) => (stay.has(key) ? [] : [key])),
    come,
  )
}

/** Those that hear of connections; a director that was put in another's place at one address has its own R or the same. */
function directorsOf({ directors }: Inputs): readonly Director[] {
  const byRecallMac = new Map<string, Director>()
  for (const { mac, recallMac, hostIp } of directors.values())
    if (recallMac !== undefined) byRecallMac.set(recallMac, { mac, recallMac, hostIp })
  return [...byRecallMac.values()].sort((a, b) => (a.recallMac < b.recallMac ? -1 : 1))
}

/** Inputs that are kept for a restart, each written when it is another object than last time. */
function createSavedInputs(store: Store) {
  let lastDomains: readonly Domain[] | undefined
  let lastDirector = store.director()
  let lastDirectors = store.directors()
  let lastDocuments: readonly DirectorDocument[] | undefined
  return {
    director: (
      info: DirectorInfo | undefined,
      all: ReadonlyMap<string, DirectorInfo>,
      documents: readonly DirectorDocument[],
    ) => {
      if (JSON.stringify([...all]) !== JSON.stringify([...lastDirectors])) store.setDirectors(all)
      lastDirectors = all
      if (info !== undefined && JSON.stringify(info) !== JSON.stringify(lastDirector)) store.setDirector(info)
      lastDirector = info
      if (documents !== lastDocuments) store.setDocuments(documents)
      lastDocuments = documents
    },
    domains: (domains: readonly Domain[]) => {
      if (domains === lastDomains) return
      store.setDomains(domains)
      // A VM that libvirt no longer knows took with it what it was given.
      const known = new Set(domains.map(domain => domain.uuid))
      for (const { vmUuid, mac, vip } of store.guestRecords.list()) {
        if (!known.has(vmUuid)) store.guestRecords.remove(vmUuid, mac, vip)
      }
      lastDomains = domains
    },
  }
}
