import type { Applier } from '../shared/apply/apply.ts'
import type { ServiceSpec } from '../shared/config/service.ts'
import type { Log } from '../shared/log.ts'
import type { Removals } from '../shared/run/removals.ts'
import type { Timeline } from '../shared/run/timeline.ts'
import type { SwitchSettings } from './apply/settings.ts'
import { mayServe } from './authority/judge.ts'
import type { Policy } from './authority/types.ts'
import { type InputCells, readInputs } from './cells.ts'
import { createCompiler } from './compile/compiler.ts'
import type { AgentConfig } from './config/schema.ts'
import { createCheckPlanner, probeContext } from './health/plan.ts'
import { createSweepGate, type Inputs } from './inputs.ts'
import type { Outcome } from './outcome.ts'
import type { HostOverlay } from './overlay.ts'
import { probeNetwork } from './probe-port/address.ts'
import { createResolver } from './real-servers/resolver.ts'
import type { RealServer } from './real-servers/types.ts'
import { createRefusalLog, createServiceJourney } from './report/journey.ts'
import { createApplyStation } from './stations/apply.ts'
import { createAuthority } from './stations/authority.ts'
import { isWaiting, refusedDocuments } from './stations/documents.ts'
import { createHostState } from './stations/host.ts'
import type { Numbers } from './stations/numbers.ts'
import { createOwnAddresses } from './stations/own-addresses.ts'
import { createServices } from './stations/services.ts'
import type { Store } from './store/store.ts'
import type { GuestRecords } from './store/types.ts'

export interface PassOptions {
  readonly config: Pick<
    AgentConfig,
    'hostMac' | 'uplink' | 'ingressPorts' | 'probePort' | 'probeNetwork' | 'director'
  > &
    Policy
  /** Undefined on an l2 fabric. */
  readonly overlay: HostOverlay | undefined
  readonly inputs: InputCells
  readonly store: Pick<
    Store,
    | 'director'
    | 'services'
    | 'contested'
    | 'domains'
    | 'allocations'
    | 'ownAddresses'
    | 'vmAddresses'
    | 'guardedVips'
    | 'vipNumbers'
  >
  readonly numbers: Numbers
  readonly records: GuestRecords
  readonly applier: Applier
  readonly settings: Pick<SwitchSettings, 'ensure'>
  /** Removed real servers, for the outlets. */
  readonly removals: Removals<RealServer>
  readonly timeline: Timeline
  readonly log: Log
}

/**
 * Goes through the stations once: services, resolve, compile, apply. What is kept for a restart is written after all that
 * (outlets/memory.ts), but for numbers that are new.
 *
 * @param options.whole - the last pass has not come to its end: the switch may lack any of it
 * @returns the outcome; one with a failure has to be tried again
 * @throws why the host cannot be described yet: there is no outcome then
 */
export type Pass = (options: { readonly whole: boolean }) => Promise<Outcome>

/**
 * The pass is the only place that acts. After a restart, in this order:
 * 1. SQLite gives back the last state: the directors' messages, the last good files, VMs, numbers, and what guests were given.
 * 2. Nothing happens until the service files have been read, OVSDB has sent the bridge's ports and the switch answers.
 * 3. The switch's own flows are read back, and only the difference to the desired flows is sent, in one bundle.
 * 4. Nothing is deleted before libvirt, OVSDB and the files have each been in sync once in this process, and the director's
 * documents are known.
 * 5. A VIP goes into a guest only after the switch has confirmed its shield; a VIP that a guest has is verified, not set anew.
 * 6. The director gets reports only after the first pass. A real server that was ready in the same run of its VM stays ready.
 * Without a state file (`--rebuild-state`) the agent reports nothing until its guests have been asked (see `Reporter.update`).
 */
export function createPass(options: PassOptions): Pass {
  const { config, inputs: cells, store, numbers, records, applier, removals } = options
  const network = probeNetwork(config.probeNetwork)
  const sweepGate = createSweepGate(store.domains().length === 0)
  const services = createServices(store)
  const tellServices = createServiceJourney(options.timeline, options.log)
  const tellRefused = createRefusalLog(options.log)
  const hostState = createHostState(config, options.overlay)
  const resolver = createResolver(store.allocations(), mayServe(config))
  const authority = createAuthority(config, store)
  const planChecks = createCheckPlanner(network)
  const ownAddressesOf = createOwnAddresses(store)
  const compiler = createCompiler(store.vipNumbers)
  const apply = createApplyStation({
    applier,
    settings: options.settings,
    uplink: config.uplink,
    // Of before this process, also where that director is not configured any more: clients know its address.
    announced: store.director()?.mac,
    log: options.log,
  })

  const resolve = (specs: readonly ServiceSpec[], { inventory, ports }: Inputs) => {
    const resolution = resolver.update({ specs, inventory, ports, ingressPorts: config.ingressPorts })
    for (const realServer of resolution.gone) removals.put(realServer.key, realServer)
    for (const { key } of resolution.come) removals.back(key)
    return resolution
  }

  return async ({ whole }) => {
    const inputs = readInputs(cells)
    const { ports, inventory } = inputs
    const { host: state, ports: portIndex } = hostState(inputs)
    const { judge, addresses: vmAddresses } = authority.judge(inputs, portIndex)
    const {
      specs,
      problems: specProblems,
      inForce,
      contested,
      vips: guarded,
      claims,
      refused,
    } = services(inputs, judge)
    const guardedVips = authority.guard(guarded, judge)
    tellServices(specs)
    tellRefused(refused)
    const sweep = sweepGate(inputs, refused.some(isWaiting))

    const resolution = resolve(specs, inputs)
    authority.note(resolution)
    const { gone } = resolution
    const claimed = numbers.claim(resolution, whole)
    const { realServers, come } = claimed
    const checks = planChecks(realServers)
    const host = { ...state, probing: probeContext(checks, network, config.probePort, ports) }
    const given = records.list()
    const ownAddresses = ownAddressesOf(inventory.domains, given, inputs.guests)
    const changed = compiler.update({ gone, come, records: given, guarded, ports: portIndex, ownAddresses, host })

    if (whole && sweep) store.vipNumbers.keep(compiler.has)
    const { compiled, shields } = compiler
    const applied = await apply({
      inputs,
      host,
      realServers,
      compiled,
      changed: whole ? undefined : changed,
      sweep,
      shields,
    })
    return {
      specs,
      specProblems,
      inForce,
      realServers,
      altered: whole ? realServers : come,
      realServerProblems: [...resolution.problems, ...claimed.problems],
      checks,
      inventory,
      ports,
      directors: inputs.directors,
      documents: inputs.documents.byDirector,
      contested,
      files: inputs.services.files,
      ownAddresses,
      vmAddresses,
      guardedVips,
      vipClaims: claims,
      asked: authority.asked(inputs, portIndex, refused, claims),
      refused: refusedDocuments(refused),
      sweep,
      hostMac: host.hostMac,
      remembering: host.directors.length > 0,
      ...applied,
      failure: applied.failure ?? claimed.failure,
    }
  }
}
