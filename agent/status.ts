import type { Applier } from '../shared/apply/apply.ts'
import type { Problem } from '../shared/rpc/gen/crossport/v1/Problem.ts'
import type { ServiceStatus } from '../shared/rpc/gen/crossport/v1/ServiceStatus.ts'
import type { Status } from '../shared/rpc/gen/crossport/v1/Status.ts'
import type { Timeline } from '../shared/run/timeline.ts'
import type { Inputs, TunnelState } from './inputs.ts'
import type { Picture } from './reconcile.ts'
import type { Store } from './store/store.ts'

export interface StatusSources {
  readonly id: string
  readonly version: string
  readonly startedAt: string
  readonly bridge: string
  readonly servicesDir: string
  readonly inputs: Inputs
  readonly picture: Picture
  readonly applier: Applier
  readonly store: Store
  readonly timeline: Timeline
  /** The newest health check result in words, by real server. */
  lastCheck(key: string): string
  readonly loopError: Error | undefined
  /** Of the connection table. */
  readonly tableProblems: readonly Problem[]
}

/** The agent's status (proto: crossport.v1.Status) from its newest snapshots. Pure. */
export function agentStatus(sources: StatusSources): Status {
  const { inputs, picture, applier, store } = sources
  const outcome = store.outcome()
  return {
    role: 'agent',
    id: sources.id,
    version: sources.version,
    startedAt: sources.startedAt,
    inputs: inputStates(inputs),
    services: picture.specs.map(spec => serviceStatus(spec, sources)),
    problems: [
      ...inputProblems(inputs),
      ...tunnelProblems(sources),
      ...sources.tableProblems,
      ...specProblems(picture),
      ...realServerProblems(sources),
    ],
    switch: {
      bridge: sources.bridge,
      desiredFlows: applier.counts.desiredFlows,
      installedFlows: applier.counts.installedFlows,
      desiredGroups: applier.counts.desiredGroups,
      lastCommitAt: outcome?.at ?? '',
      lastError: sources.loopError?.message ?? outcome?.error ?? '',
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
  const { services, inventory, ports, directorState, director, switchUp, switchReason, tunnel } = inputs
  const state = (synced: boolean) => (synced ? 'in sync' : 'away')
  return [
    { name: 'files', state: state(services.synced), detail: `${services.files.length} files in force` },
    { name: 'libvirt', state: state(inventory.synced), detail: inventory.reason ?? `${inventory.domains.length} VMs` },
    { name: 'ovsdb', state: state(ports.synced), detail: ports.reason ?? `${ports.ports.length} ports` },
    { name: 'switch', state: state(switchUp), detail: switchUp ? '' : switchReason },
    ...(tunnel === undefined ? [] : [tunnelInput(tunnel)]),
    {
      name: 'director',
      state: directorState.state,
      detail:
        directorState.state === 'registered' && director ? `${director.id}, MAC ${director.mac}` : directorState.reason,
    },
  ]
}

function tunnelInput({ name, problem, detail, room }: TunnelState) {
  const fits = room === undefined ? 'the MTU of the underlay is not known' : `room for ${room} bytes`
  return {
    name: 'tunnel',
    state: problem === undefined ? 'in sync' : 'away',
    detail: problem ?? `${name}, ${detail}, ${fits}`,
  }
}

/** What is too large for the tunnel is lost without a word: it is told before somebody sends it. */
function tunnelProblems({ inputs, picture }: StatusSources): Problem[] {
  const { tunnel, ports } = inputs
  if (tunnel === undefined) return []
  const { problem, name, room } = tunnel
  if (problem !== undefined) return [{ severity: 'error', code: 'TUNNEL_PORT', subject: name, message: problem }]
  const vms = new Map(
    picture.realServers.flatMap(({ attachment, vm }) => (attachment ? [[attachment.port, vm.name]] : [])),
  )
  return ports.ports.flatMap(({ name: port, mtu }) => {
    const vm = vms.get(port)
    if (vm === undefined || mtu === undefined || room === undefined || mtu <= room) return []
    const message = `its port ${port} has an MTU of ${mtu}, and ${room} fit into the tunnels (${tunnel.detail}): larger packets are lost`
    return [{ severity: 'warning', code: 'OVERLAY_MTU', subject: vm, message }]
  })
}

function serviceStatus(spec: Picture['specs'][number], { picture, id, lastCheck }: StatusSources): ServiceStatus {
  return {
    service: spec.service,
    vip: spec.vip,
    protocol: spec.protocol,
    port: spec.port,
    scheduler: spec.scheduler,
    source: `${spec.source.origin === 'director' ? 'director: ' : ''}${spec.source.file}:${spec.source.line}`,
    realServers: picture.reports
      .filter(report => report.service === spec.service)
      .map(report => ({
        id: report.id,
        vm: report.vm,
        host: id,
        rsPort: report.rsPort,
        ingressPort: report.ingressPort,
        weight: report.weight,
        state: report.state,
        reason: report.reason,
        check: lastCheck(report.id),
      })),
  }
}

/** What the host cannot see or reach now. */
function inputProblems(inputs: Inputs): Problem[] {
  const problems: Problem[] = []
  const warn = (code: string, subject: string, message: string) =>
    problems.push({ severity: 'warning', code, subject, message })
  if (!inputs.inventory.synced) warn('LIBVIRT_UNREACHABLE', 'libvirt', inputs.inventory.reason ?? 'not in sync')
  if (!inputs.ports.synced) warn('OVSDB_UNREACHABLE', 'ovsdb', inputs.ports.reason ?? 'not in sync')
  if (!inputs.switchUp) warn('SWITCH_UNREACHABLE', 'switch', inputs.switchReason)
  if (inputs.directorState.state === 'disconnected')
    warn('REPORT_DISCONNECTED', 'director', inputs.directorState.reason)
  return problems
}

function specProblems({ specProblems: problems, realServerProblems }: Picture): Problem[] {
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

function realServerProblems({ picture, applier }: StatusSources): Problem[] {
  return [
    ...picture.reports
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
