import type { Counts } from '../shared/apply/apply.ts'
import type { Quarantined } from '../shared/apply/quarantine.ts'
import type { SpecProblem } from '../shared/config/service.ts'
import type { Input } from '../shared/rpc/gen/crossport/v1/Input.ts'
import type { Problem } from '../shared/rpc/gen/crossport/v1/Problem.ts'
import type { ServiceStatus } from '../shared/rpc/gen/crossport/v1/ServiceStatus.ts'
import type { Status } from '../shared/rpc/gen/crossport/v1/Status.ts'
import type { Timeline } from '../shared/run/timeline.ts'
import type { Plan } from './plan.ts'
import type { VirtualService } from './registry/services.ts'
import type { Host, RealServer } from './registry/types.ts'
import type { ServiceLoad } from './schedule/load.ts'
import { panicOf, panicText } from './schedule/panic.ts'

export interface StatusInput {
  readonly id: string
  readonly version: string
  readonly bridge: string
  readonly servicesDir: string
  readonly startedAt: Date
  readonly inputs: readonly Input[]
  readonly specProblems: readonly SpecProblem[]
  readonly plan: Plan | undefined
  /** What a service's connections have been counted to. */
  readonly loadOf: (key: string) => ServiceLoad | undefined
  readonly hosts: readonly Host[]
  readonly connected: ReadonlySet<string>
  readonly counts: Counts
  readonly quarantined: readonly Quarantined[]
  readonly lastCommitAt: Date | undefined
  readonly lastError: Error | undefined
  readonly tornDown: boolean
  readonly timeline: Timeline
  /** The wall clock's time of a moment of the monotonic one. */
  readonly wallOf: (at: number) => Date
}

/** The answer to GetStatus. Pure. */
export function statusOf(input: StatusInput): Status {
  const { counts, plan, hosts, lastError } = input
  return {
    role: 'director',
    id: input.id,
    version: input.version,
    startedAt: input.startedAt.toISOString(),
    inputs: [...input.inputs],
    services: (plan?.services ?? []).map(service => serviceStatus(service, input.loadOf(service.key))),
    problems: problems(input),
    switch: {
      bridge: input.bridge,
      desiredFlows: counts.desiredFlows,
      installedFlows: counts.installedFlows,
      desiredGroups: counts.desiredGroups,
      lastCommitAt: input.lastCommitAt?.toISOString() ?? '',
      lastError: lastError?.message ?? '',
      commits: counts.commits,
      flowChanges: counts.added + counts.changed + counts.deleted,
    },
    hosts: hosts
      .toSorted((a, b) => (a.hostId < b.hostId ? -1 : 1))
      .map(host => ({
        hostId: host.hostId,
        hostMac: host.hostMac,
        hostIp: host.hostIp,
        state: host.state === 'lost' ? 'lost' : input.connected.has(host.hostId) ? 'connected' : 'away',
        leaseExpiresAt: host.state === 'lost' ? '' : input.wallOf(host.leaseExpiresAt).toISOString(),
        realServers: host.realServers.size,
      })),
    timeline: [...input.timeline.entries],
    servicesDir: input.servicesDir,
  }
}

function serviceStatus(service: VirtualService, load: ServiceLoad | undefined): ServiceStatus {
  const { vip, protocol, port, scheduler, source, realServers } = service
  return {
    service: service.service,
    vip,
    protocol,
    port,
    scheduler,
    source,
    realServers: realServers.map(rs => ({
      id: rs.id,
      vm: rs.vm,
      host: rs.hostId,
      rsPort: rs.rsPort,
      ingressPort: rs.ingressPort,
      weight: rs.weight,
      state: rs.state === 'lost' ? 'down' : rs.state,
      reason: reasonOf(rs, load?.servers.get(rs.id)?.full),
      activeConnections: Math.round(load?.servers.get(rs.id)?.active ?? 0),
      totalConnections: load?.servers.get(rs.id)?.total ?? 0,
    })),
  }
}

function reasonOf(rs: RealServer, full = false): string {
  if (full) return `full: ${rs.terms?.upper} active connections`
  if (rs.state === 'lost') return `its host ${rs.hostId} is lost: no message from the agent for a whole lease`
  return rs.reason
}

function problems({ specProblems, plan, hosts, lastError, tornDown, quarantined }: StatusInput): Problem[] {
  const found: Problem[] = specProblems.map(({ file, line, column, reason, lastGood }) => ({
    severity: 'error',
    code: 'SPEC_INVALID',
    subject: `${file}:${line}:${column}`,
    message: lastGood ? `${reason} (the last good version of this file stays in force)` : reason,
  }))
  for (const { subject, reason } of plan?.problems ?? []) {
    found.push({ severity: 'error', code: 'REGISTRY_CONFLICT', subject, message: reason })
  }
  for (const host of hosts.filter(({ state }) => state === 'lost')) {
    const message = 'no message from its agent for a whole lease; its real servers get no new connections'
    found.push({ severity: 'warning', code: 'HOST_LOST', subject: host.hostId, message })
  }
  for (const service of plan?.services ?? []) {
    const panic = panicOf(service.realServers)
    if (panic !== undefined) {
      found.push({ severity: 'warning', code: 'PANIC', subject: service.service, message: panicText(panic) })
      continue
    }
    if (service.realServers.some(rs => rs.state === 'ready' && rs.weight > 0)) continue
    const message = 'no real server is ready, so nobody is served'
    found.push({ severity: 'warning', code: 'SERVICE_EMPTY', subject: service.service, message })
  }
  if (tornDown) {
    const message = 'torn down on request; `crossport resync` or a restart brings the services back'
    found.push({ severity: 'warning', code: 'TORN_DOWN', subject: 'director', message })
  }
  for (const { object, reason } of quarantined)
    found.push({ severity: 'error', code: 'SWITCH_REJECTED', subject: object, message: reason })
  if (lastError !== undefined) {
    const code = (lastError as { code?: string }).code ?? ''
    found.push({ severity: 'error', code, subject: 'switch', message: lastError.message })
  }
  return found
}
