import type { Applier } from '../../shared/apply/apply.ts'
import type { Problem } from '../../shared/rpc/gen/crossport/v1/Problem.ts'
import type { ServiceStatus } from '../../shared/rpc/gen/crossport/v1/ServiceStatus.ts'
import type { Status } from '../../shared/rpc/gen/crossport/v1/Status.ts'
import type { Timeline } from '../../shared/run/timeline.ts'
import { type Cells, readInputs } from '../cells.ts'
import type { Inputs, TunnelState } from '../inputs.ts'
import type { Outcome } from '../outcome.ts'
import type { ReportedRealServer } from '../report/types.ts'
import type { Store } from '../store/store.ts'
import { standingsOf } from './standings.ts'

export interface StatusSources {
  readonly id: string
  readonly version: string
  readonly startedAt: string
  readonly bridge: string
  readonly servicesDir: string
  /** Addresses, as configured. */
  readonly directors: readonly string[]
  readonly cells: Pick<Cells, 'inputs' | 'outcome' | 'reports' | 'registrations' | 'tableProblems'>
  readonly applier: Applier
  readonly store: Pick<Store, 'outcome'>
  readonly timeline: Timeline
  readonly loopError: Error | undefined
}

/** The agent's status (proto: crossport.v1.Status) from its newest snapshots. */
export function agentStatus(sources: StatusSources): Status {
  const { cells, applier } = sources
  const inputs = readInputs(cells.inputs)
  const outcome = cells.outcome.get()
  const reports = cells.reports.get().list
  const committed = sources.store.outcome()
  const standings = standingsOf(sources.directors, cells.registrations.get(), inputs)
  return {
    role: 'agent',
    id: sources.id,
    version: sources.version,
    startedAt: sources.startedAt,
    inputs: [...inputStates(inputs), ...standings.map(({ name, state, detail }) => ({ name, state, detail }))],
    services: outcome.specs.map(spec => serviceStatus(spec, reports, sources.id, inputs.health.last)),
    problems: [
      ...stateFileProblems(sources.loopError),
      ...inputProblems(inputs),
      ...standings.flatMap(({ problem }) => problem ?? []),
      ...tunnelProblems(inputs, outcome),
      ...cells.tableProblems.get(),
      ...specProblems(outcome),
      ...realServerProblems(reports, applier),
    ],
    switch: {
      bridge: sources.bridge,
      desiredFlows: applier.counts.desiredFlows,
      installedFlows: applier.counts.installedFlows,
      desiredGroups: applier.counts.desiredGroups,
      lastCommitAt: committed?.at ?? '',
      lastError: sources.loopError?.message ?? committed?.error ?? '',
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

/** What is too large for the tunnel is lost without a word: it is told before somebody sends it. */
function tunnelProblems({ tunnel, ports }: Inputs, { realServers }: Outcome): Problem[] {
  if (tunnel === undefined) return []
  const { problem, name, mtu: most } = tunnel
  if (problem !== undefined) return [{ severity: 'error', code: 'TUNNEL_PORT', subject: name, message: problem }]
  const vms = new Map(realServers.flatMap(({ attachment, vm }) => (attachment ? [[attachment.port, vm.name]] : [])))
  return ports.ports.flatMap(({ name: port, mtu }) => {
    const vm = vms.get(port)
    if (vm === undefined || mtu === undefined || most === undefined || mtu <= most) return []
    const message = `its port ${port} has an MTU of ${mtu}, and ${most} fit into the tunnels (${tunnel.detail}): larger packets are lost`
    return [{ severity: 'warning', code: 'OVERLAY_MTU', subject: vm, message }]
  })
}

function serviceStatus(
  spec: Outcome['specs'][number],
  reports: readonly ReportedRealServer[],
  host: string,
  lastCheck: (key: string) => string,
): ServiceStatus {
  return {
    service: spec.service,
    vip: spec.vip,
    protocol: spec.protocol,
    port: spec.port,
    scheduler: spec.scheduler,
    source: `${spec.source.origin === 'director' ? 'director: ' : ''}${spec.source.file}:${spec.source.line}`,
    realServers: reports
      .filter(report => report.service === spec.service)
      .map(report => ({
        id: report.id,
        vm: report.vm,
        host,
        rsPort: report.rsPort,
        ingressPort: report.ingressPort,
        weight: report.weight,
        state: report.state,
        reason: report.reason,
        check: lastCheck(report.id),
      })),
  }
}

/** What has kept the newest pass from being written down; all else of it is in force. */
function stateFileProblems(error: Error | undefined): Problem[] {
  const { code = '', message } = (error ?? { message: '' }) as Error & { readonly code?: string }
  if (code !== 'STORE_FAILED' && code !== 'STATE_CORRUPT') return []
  return [{ severity: 'error', code, subject: 'state file', message }]
}

/** What the host cannot see or reach now. */
function inputProblems(inputs: Inputs): Problem[] {
  const problems: Problem[] = []
  const warn = (code: string, subject: string, message: string) =>
    problems.push({ severity: 'warning', code, subject, message })
  if (!inputs.inventory.synced) warn('LIBVIRT_UNREACHABLE', 'libvirt', inputs.inventory.reason ?? 'not in sync')
  for (const { name, reason } of inputs.inventory.unreadable ?? [])
    warn(
      'VM_UNREADABLE',
      name,
      `libvirt lists it, and it cannot be read: ${reason}; what was known of it stays in force`,
    )
  if (!inputs.ports.synced) warn('OVSDB_UNREACHABLE', 'ovsdb', inputs.ports.reason ?? 'not in sync')
  if (inputs.switch.session === undefined) warn('SWITCH_UNREACHABLE', 'switch', inputs.switch.reason)
  return problems
}

function specProblems({ specProblems: problems, realServerProblems }: Outcome): Problem[] {
  return [
    ...problems.map(({ file, line, column, reason, lastGood }) => ({
      severity: 'error',
      code: 'SPEC_INVALID',
      subject: `${file}:${line}:${column}`,
      message: lastGood ? `${reason} (its last good version stays in force)` : reason,
    })),
    ...realServerProblems,
  ]
}

function realServerProblems(reports: readonly ReportedRealServer[], applier: Applier): Problem[] {
  return [
    ...reports
      .filter(report => report.reason !== '')
      .map(report => ({
        severity: report.state === 'down' ? 'error' : 'warning',
        code: 'REAL_SERVER',
        subject: `${report.service}/${report.vm}:${report.rsPort}`,
        message: report.reason,
      })),
    ...applier.quarantined.map(({ object, reason }) => ({
      severity: 'error',
      code: 'SWITCH_REJECTED',
      subject: object,
      message: reason,
    })),
  ]
}
