import type { Applier } from '../../shared/apply/apply.ts'
import type { ServiceSource, StatusSource } from '../../shared/rpc/status.ts'
import type { DirtyLoop } from '../../shared/run/dirty-loop.ts'
import type { Timeline } from '../../shared/run/timeline.ts'
import { problemsOf } from '../../shared/status/conditions.ts'
import { type Cells, readInputs } from '../cells.ts'
import type { Inputs, TunnelState } from '../inputs.ts'
import { NO_OUTCOME, type Outcome } from '../outcome.ts'
import type { ReportedRealServer } from '../report/types.ts'
import type { Store } from '../store/store.ts'
import { AGENT_CONDITIONS, type AgentFacts, uplinkProblem } from './conditions.ts'
import { type Standing, standingsOf } from './standings.ts'

export interface StatusSources {
  readonly id: string
  readonly version: string
  readonly startedAt: string
  readonly bridge: string
  readonly uplink: string
  /** Addresses of the configured directors. */
  readonly directors: readonly string[]
  readonly servicesDir: string
  readonly cells: Pick<Cells, 'inputs' | 'outcome' | 'reports' | 'registrations' | 'tableProblems' | 'certificate'>
  /** What an operator has to know of a connection in the clear; undefined: nothing. */
  readonly plaintext?: string | undefined
  readonly applier: Applier
  readonly store: Pick<Store, 'lastCommit'>
  readonly timeline: Timeline
  readonly loop: Pick<DirtyLoop, 'lastError' | 'waitingFor'>
}

/** The agent's status (proto: crossport.v1.Status) from its newest snapshots, which do not change while it is read. */
export function agentStatus(sources: StatusSources): StatusSource {
  const { cells, applier } = sources
  const inputs = readInputs(cells.inputs)
  const outcome = cells.outcome.get()
  const reports = cells.reports.get().list
  const committed = sources.store.lastCommit()
  const standings = standingsOf(sources.directors, cells.registrations.get(), inputs)
  return {
    role: 'agent',
    id: sources.id,
    version: sources.version,
    startedAt: sources.startedAt,
    inputs: [...inputStates(inputs), ...standings.map(({ name, state, detail }) => ({ name, state, detail }))],
    services: services(outcome.specs, reports, sources.id, inputs.health.last),
    problems: problemsOf(AGENT_CONDITIONS, factsOf(sources, inputs, standings)),
    switch: {
      bridge: sources.bridge,
      desiredFlows: applier.counts.desiredFlows,
      installedFlows: applier.counts.installedFlows,
      desiredGroups: applier.counts.desiredGroups,
      lastCommitAt: committed?.at ?? '',
      lastError: sources.loop.lastError?.message ?? committed?.error ?? '',
      commits: applier.counts.commits,
      flowChanges: applier.counts.added + applier.counts.changed + applier.counts.deleted,
    },
    hosts: [],
    timeline: [...sources.timeline.entries],
    servicesDir: sources.servicesDir,
    vms: inputs.inventory.domains.map(({ name, uuid, state }) => ({ name, uuid, state })),
  }
}

function inputStates(inputs: Inputs) {
  const { services, inventory, ports, switch: sw, tunnel } = inputs
  const up = sw.session !== undefined
  const state = (synced: boolean) => (synced ? 'in sync' : 'away')
  return [
    { name: 'files', state: state(services.synced), detail: `${services.files.length} files in force` },
    { name: 'libvirt', state: state(inventory.synced), detail: inventory.reason ?? `${inventory.domains.length} VMs` },
    { name: 'ovsdb', state: state(ports.synced), detail: ports.reason ?? `${ports.ports.length} ports` },
    { name: 'switch', state: state(up), detail: up ? '' : sw.reason },
    ...(tunnel === undefined ? [] : [tunnelInput(tunnel)]),
  ]
}

function tunnelInput({ name, problem, detail, mtu }: TunnelState) {
  const fits = mtu === undefined ? 'the MTU of the underlay is not known' : `room for ${mtu} bytes`
  return {
    name: 'tunnel',
    state: problem === undefined ? 'in sync' : 'away',
    detail: problem ?? `${name}, ${detail}, ${fits}`,
  }
}

function* services(
  specs: Outcome['specs'],
  reports: readonly ReportedRealServer[],
  host: string,
  lastCheck: (key: string) => string,
): Generator<ServiceSource> {
  const byService = Map.groupBy(reports, ({ service }) => service)
  for (const { service, vip, protocol, port, scheduler, source } of specs) {
    const where = `${source.origin === 'director' ? 'director: ' : ''}${source.file}:${source.line}`
    const realServers = (byService.get(service) ?? [])
      .values()
      .map(({ id, vm, rsPort, ingressPort, weight, state, reason }) => ({
        ...{ id, vm, host, rsPort, ingressPort, weight, state, reason },
        check: lastCheck(id),
      }))
    yield { service, vip, protocol, port, scheduler, source: where, realServers }
  }
}

/** What the conditions are asked about. */
function factsOf(sources: StatusSources, inputs: Inputs, standings: readonly Standing[]): AgentFacts {
  const { bridge, uplink, servicesDir, cells, applier, loop } = sources
  const { services, ports, switch: sw, tunnel, withdrawn } = inputs
  const outcome = cells.outcome.get()
  const synced = ports.synced ? undefined : (ports.reason ?? 'not in sync')
  return {
    role: 'agent',
    bridge,
    uplink,
    servicesDir,
    away: {
      files: services.synced ? services.unread : (services.unread ?? 'not read yet'),
      ovsdb: synced,
      switch: sw.session === undefined ? sw.reason : undefined,
    },
    bridgeMissing: ports.synced && ports.bridge === undefined ? (ports.reason ?? `no bridge ${bridge}`) : undefined,
    uplinkProblem: uplinkProblem(inputs, bridge, uplink),
    tunnelProblem: tunnel?.problem,
    flowRestoreWait: ports.flowRestoreWait ?? false,
    specProblems: outcome.specProblems,
    waitingFor: loop.waitingFor,
    applied: outcome !== NO_OUTCOME,
    lastError: loop.lastError,
    quarantined: applier.quarantined,
    tableProblems: cells.tableProblems.get(),
    tornDown: withdrawn,
    identity: { certificate: cells.certificate.get(), plaintext: sources.plaintext },
    leftByTeardown: withdrawn ? inputs.records.map(({ vip, vmUuid }) => `VIP ${vip} in ${nameOf(inputs, vmUuid)}`) : [],
    inputs,
    standings,
    outcome,
    reports: cells.reports.get().list,
  }
}

/** The VM's name, where libvirt knows it. */
const nameOf = ({ inventory }: Inputs, vmUuid: string) =>
  inventory.domains.find(({ uuid }) => uuid === vmUuid)?.name ?? vmUuid
