import type { Applied, Applier } from '../shared/apply/apply.ts'
import { mergeServices } from '../shared/config/merge.ts'
import type { ServiceSpec, SpecProblem } from '../shared/config/service.ts'
import type { Log } from '../shared/log.ts'
import type { Timeline } from '../shared/run/timeline.ts'
import type { Switch } from '../shared/switch/types.ts'
import { announceDirector } from './apply/announce.ts'
import { indexPorts } from './backends/attach.ts'
import type { PortRange } from './backends/ingress.ts'
import { resolve } from './backends/resolve.ts'
import type { Backend, BackendProblem } from './backends/types.ts'
import { compile } from './compile/compile.ts'
import { shields } from './compile/shields.ts'
import type { GuestManager } from './guest/manager.ts'
import { guestTargets } from './guest/targets.ts'
import type { GuestTarget } from './guest/types.ts'
import { createDocumentParser, createSweepGate, type Inputs } from './inputs.ts'
import { type HostOverlay, overlayContext } from './overlay.ts'
import { readiness, toReport } from './report/readiness.ts'
import type { ReportedRealServer } from './report/types.ts'
import type { Store } from './store/store.ts'

export interface ReconcileOptions {
  readonly inputs: Inputs
  readonly store: Store
  readonly applier: Applier
  readonly guest: Pick<GuestManager, 'set' | 'status'>
  readonly sw: Switch
  readonly ingressPorts: PortRange
  readonly hostMac: string | undefined
  /** Undefined on an l2 fabric. */
  readonly overlay: HostOverlay | undefined
  readonly timeline: Timeline
  readonly log: Log
  /** Hears of every real server after each pass. */
  onReport(list: readonly ReportedRealServer[], hostMac: string): void
}

/** What the last pass came to; what status shows. */
export interface Picture {
  readonly specs: readonly ServiceSpec[]
  readonly specProblems: readonly SpecProblem[]
  readonly backends: readonly Backend[]
  readonly backendProblems: readonly BackendProblem[]
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

const NOTHING: Picture = { specs: [], specProblems: [], backends: [], backendProblems: [], reports: [], targets: [] }

/**
 * The one place that acts. After a restart, in this order:
 *  1. SQLite gives back what was known: the director's word, last good files, VMs, numbers, what guests were given.
 *  2. Nothing happens until the service files have been read, OVSDB has told of the bridge's ports and the switch answers.
 *  3. The switch's own flows are read back, and only the difference to what is wanted is sent, in one bundle.
 *  4. Nothing is deleted before libvirt, OVSDB and the files have each been in sync once in this process.
 *  5. A VIP goes into a guest only after the switch has confirmed its shield; what a guest has is verified, not set anew.
 *  6. The director hears of real servers only after the first pass; one that was ready in the same run of its VM stays ready.
 */
export function createReconciler(options: ReconcileOptions): Reconciler {
  const { inputs, store, applier, guest, sw, timeline, log } = options
  const documents = createDocumentParser()
  const sweepGate = createSweepGate()
  const ready = createReadyMemory(store)
  const own = createAddressMemory(store, guest)
  const journey = createJourney(timeline, log)
  let withdrawn = false
  let picture = NOTHING
  /** The director that this host's clients know; an agent that starts takes it that they know the last one. */
  let announced = inputs.director?.mac

  const pass = async (): Promise<Applied> => {
    const sweep = sweepGate(inputs)
    const merged = wanted()
    if (inputs.inventory.synced) {
      store.setDomains(inputs.inventory.domains)
      forgetGoneGuests(store, inputs)
    }
    store.setServiceFiles(inputs.services.texts)
    journey.files(merged.specs)

    const resolution = resolve({
      specs: merged.specs,
      inventory: inputs.inventory,
      ports: inputs.ports,
      allocations: store.allocations(),
      ingressPorts: options.ingressPorts,
    })
    const { backends } = resolution
    store.setAllocations(resolution.allocations)

    const ports = indexPorts(inputs.ports)
    const records = store.guestRecords.list()
    const hostMac = options.hostMac ?? inputs.ports.bridge?.mac
    if (hostMac === undefined) throw new Error(`the bridge has no hardware address yet`)
    const held = shields(backends, records, ports, own.of)
    own.remember()
    const directorMac = inputs.director?.mac
    const vmPorts = [...ports].flatMap(([mac, { name, ofport, tag }]) =>
      ofport !== undefined && ofport > 0 ? [{ name, mac, ofport, tag }] : [],
    )
    const host = { hostMac, directorMac, vmPorts, overlay: overlayContext(options.overlay, inputs) }
    const compiled = compile({ backends, shields: held, host })

    let failure: unknown
    let applied: Applied = { added: 0, changed: 0, deleted: 0 }
    try {
      applied = await applier.apply(compiled, sw, { sweep })
      const { added, changed, deleted } = applied
      if (added + changed + deleted > 0) log.info('flows confirmed by the switch', { added, changed, deleted })
      if (directorMac !== undefined && directorMac !== announced) {
        if (announced !== undefined) await announceDirector(sw, held, host, directorMac)
        announced = directorMac
      }
    } catch (error) {
      failure = error
    }

    const targets = guestTargets({
      backends,
      domains: inputs.inventory.domains,
      records: store.guestRecords.list(),
      shielded: (vip, port) => applier.confirmed(`shield/${vip}/${port}`),
    })
    guest.set(targets)

    const reports = backends.map(backend => {
      const at = backend.attachment
      const objects = [
        `rs/${backend.key}`,
        `shield/${backend.vip}/${at?.port}`,
        `vip/${backend.vip}/${at?.tag ?? 'untagged'}`,
        'host',
      ]
      const state = readiness({
        backend,
        flowsConfirmed: objects.every(applier.confirmed),
        flowsReason: failure instanceof Error ? failure.message : undefined,
        guest: at && guest.status(backend.vm.uuid, at.mac),
        wasReady: ready.was(backend),
      })
      return toReport(backend, state)
    })
    ready.remember(backends, reports)
    journey.reports(
      backends,
      reports,
      backend =>
        backend.attachment
          ? guest.status(backend.vm.uuid, backend.attachment.mac)?.vips.get(backend.vip)?.state
          : undefined,
      applier,
    )
    picture = {
      specs: merged.specs,
      specProblems: merged.problems,
      backends,
      backendProblems: resolution.problems,
      reports,
      targets,
    }
    options.onReport(reports, hostMac)
    if (failure !== undefined) throw failure
    return applied
  }

  const wanted = () => {
    const received = documents(inputs.documents)
    if (withdrawn) return { specs: [], problems: [] }
    const { specs, problems } = mergeServices(inputs.services.specs, received.specs)
    return { specs, problems: [...inputs.services.problems, ...received.problems, ...problems] }
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

/** A VM that libvirt no longer knows took with it what it was given. */
function forgetGoneGuests(store: Store, inputs: Inputs): void {
  const known = new Set(inputs.inventory.domains.map(domain => domain.uuid))
  for (const { vmUuid, mac, vip } of store.guestRecords.list()) {
    if (!known.has(vmUuid)) store.guestRecords.remove(vmUuid, mac, vip)
  }
}

/** Which real servers were ready in which run of their VM; kept in SQLite, for an agent that starts again. */
function createReadyMemory(store: Store) {
  let runs = store.readyRuns()
  return {
    was: (backend: Backend) => backend.vm.runId !== undefined && runs[backend.key] === backend.vm.runId,
    remember: (backends: readonly Backend[], reports: readonly ReportedRealServer[]) => {
      const next: Record<string, number> = {}
      for (const [i, backend] of backends.entries()) {
        const state = reports[i]?.state
        if ((state === 'ready' || state === 'draining') && backend.vm.runId !== undefined)
          next[backend.key] = backend.vm.runId
      }
      if (JSON.stringify(next) !== JSON.stringify(runs)) store.setReadyRuns(next)
      runs = next
    },
  }
}

/**
 * The VMs' own addresses, which their shields carry: as the guest says, and until it has been asked as it said before, so
 * that an agent that starts again changes nothing.
 */
function createAddressMemory(store: Store, guest: Pick<GuestManager, 'status'>) {
  let known = store.ownAddresses()
  const fresh = new Map<string, string>()
  return {
    of: (vmUuid: string, mac: string): string | undefined => {
      const name = `${vmUuid}/${mac}`
      const address = guest.status(vmUuid, mac)?.ownAddresses[0] ?? known[name]
      if (address !== undefined) fresh.set(name, address)
      return address
    },
    /** Once a pass, after all were asked for: those that nobody asked for are forgotten. */
    remember: () => {
      const next = Object.fromEntries([...fresh].sort())
      fresh.clear()
      if (JSON.stringify(next) !== JSON.stringify(known)) store.setOwnAddresses(next)
      known = next
    },
  }
}

/** Tells of each service's and each real server's way through the stations, once a station. */
function createJourney(timeline: Timeline, log: Log) {
  let services = new Map<string, string>()
  let states = new Map<string, string>()
  const flows = new Set<string>()
  const vips = new Set<string>()

  const once = (seen: Set<string>, reached: boolean, key: string, tell: () => void) => {
    if (reached === seen.has(key)) return
    if (!reached) return void seen.delete(key)
    seen.add(key)
    tell()
  }

  return {
    files: (specs: readonly ServiceSpec[]) => {
      const next = new Map(specs.map(spec => [spec.service, JSON.stringify(spec)]))
      for (const spec of specs) {
        const before = services.get(spec.service)
        if (before === next.get(spec.service)) continue
        const where = `${spec.source.origin === 'director' ? 'director, ' : ''}${spec.source.file}:${spec.source.line}`
        timeline.add('file', spec.service, where)
        log.info(`service ${before === undefined ? 'added' : 'changed'}`, { service: spec.service, from: where })
      }
      for (const name of services.keys()) {
        if (next.has(name)) continue
        timeline.add('file', name, 'gone')
        log.info('service removed', { service: name })
      }
      services = next
    },
    reports: (
      backends: readonly Backend[],
      reports: readonly ReportedRealServer[],
      vipState: (backend: Backend) => string | undefined,
      applier: Applier,
    ) => {
      const next = new Map<string, string>()
      for (const [i, backend] of backends.entries()) {
        const report = reports[i]!
        const subject = `${backend.service}/${backend.vm.name}:${backend.rsPort}`
        once(flows, applier.confirmed(`rs/${backend.key}`), backend.key, () =>
          timeline.add(
            'flows',
            subject,
            `confirmed on port ${backend.attachment?.port}, ingress port ${backend.ingressPort}`,
          ),
        )
        once(vips, vipState(backend) === 'set', backend.key, () =>
          timeline.add('vip', subject, `${backend.vip} set in the VM`),
        )
        const state = report.reason === '' ? report.state : `${report.state}: ${report.reason}`
        next.set(backend.key, state)
        if (states.get(backend.key) === state) continue
        timeline.add('real server', subject, state)
        const fields = { service: backend.service, vm: backend.vm.name, port: backend.rsPort, state: report.state }
        if (report.state === 'down') log.warn(`real server down: ${report.reason}`, fields)
        else log.info(`real server ${state}`, fields)
      }
      for (const key of states.keys()) {
        if (next.has(key)) continue
        flows.delete(key)
        vips.delete(key)
        timeline.add('real server', key, 'gone')
        log.info('real server gone', { key })
      }
      states = next
    },
  }
}
