import type { Counts } from '../shared/apply/apply.ts'
import type { Quarantined } from '../shared/apply/quarantine.ts'
import type { SpecProblem } from '../shared/config/service.ts'
import type { Acceptance as AcceptanceMessage } from '../shared/rpc/gen/crossport/v1/Acceptance.ts'
import type { Input } from '../shared/rpc/gen/crossport/v1/Input.ts'
import type { Problem } from '../shared/rpc/gen/crossport/v1/Problem.ts'
import type { ServiceStatus } from '../shared/rpc/gen/crossport/v1/ServiceStatus.ts'
import type { Status } from '../shared/rpc/gen/crossport/v1/Status.ts'
import type { Timeline } from '../shared/run/timeline.ts'
import type { Passive, Unheard } from './balance/passive.ts'
import type { Rival } from './intake/rivals.ts'
import type { Plan } from './plan/plan.ts'
import type { VirtualService } from './registry/services.ts'
import type { Host, RealServer } from './registry/types.ts'
import { type Acceptance, acceptanceText } from './schedule/acceptance.ts'
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
  readonly passive: Pick<Passive, 'judged' | 'acceptanceOf' | 'unheard'>
  readonly hosts: readonly Host[]
  readonly connected: ReadonlySet<string>
  /** Agents that were refused because another has their host id. */
  readonly rivals: readonly Rival[]
  readonly counts: Counts
  readonly quarantined: readonly Quarantined[]
  readonly lastCommitAt: Date | undefined
  readonly lastError: Error | undefined
  readonly tornDown: boolean
  /** Of the connection table. */
  readonly tableProblems: readonly Problem[]
  readonly timeline: Timeline
  /** The wall clock's time of a moment of the monotonic one. */
  readonly wallOf: (at: number) => Date
}

/** The answer to GetStatus. Pure. */
export function statusOf(input: StatusInput): Status {
  const { counts, plan, hosts, lastError } = input
  const unheard = input.passive.unheard()
  const silent = new Set(unheard.map(({ hostId }) => hostId))
  return {
    role: 'director',
    id: input.id,
    version: input.version,
    startedAt: input.startedAt.toISOString(),
    inputs: [...input.inputs],
    services: (plan?.services ?? []).map(service => serviceStatus(input, service, silent)),
    problems: problems(input, unheard),
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

function serviceStatus(
  { loadOf, passive }: StatusInput,
  service: VirtualService,
  silent: ReadonlySet<string>,
): ServiceStatus {
  const { vip, protocol, port, scheduler, source } = service
  const { realServers } = passive.judged(service)
  const load = loadOf(service.key)
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
      state: rs.state === 'lost' || rs.barred !== undefined ? 'down' : rs.state,
      reason: reasonOf(rs, load?.servers.get(rs.id)?.full, passive.acceptanceOf(service, rs.id)),
      activeConnections: Math.round(load?.servers.get(rs.id)?.active ?? 0),
      totalConnections: load?.servers.get(rs.id)?.total ?? 0,
      acceptance: acceptanceOf(passive.acceptanceOf(service, rs.id), silent.has(rs.hostId)),
    })),
  }
}

function acceptanceOf(acceptance: Acceptance | undefined, silent: boolean): AcceptanceMessage | null {
  if (acceptance === undefined) return null
  const { phase, interval, unanswered } = acceptance
  const { ms = 0, ...counts } = interval ?? {}
  return { state: silent ? 'unheard' : phase, seconds: ms / 1000, ...counts, unanswered }
}

function reasonOf(rs: RealServer, full = false, acceptance?: Acceptance): string {
  if (full) return `full: ${rs.terms?.upper} active connections`
  if (rs.state === 'lost') return `its host ${rs.hostId} is lost: no message from the agent for a whole lease`
  if (rs.state === 'ready' && acceptance !== undefined && acceptance.phase !== 'accepting')
    return acceptanceText(acceptance)
  return rs.reason
}

function problems(input: StatusInput, unheard: readonly Unheard[]): Problem[] {
  const { specProblems, plan, hosts, lastError, tornDown, tableProblems, quarantined, passive } = input

  const found: Problem[] = specProblems.map(({ file, line, column, reason, lastGood }) => ({
    severity: 'error',
    code: 'SPEC_INVALID',
    subject: `${file}:${line}:${column}`,
    message: lastGood ? `${reason} (the last good version of this file stays in force)` : reason,
  }))
  for (const { code = 'REGISTRY_CONFLICT', subject, reason } of plan?.problems ?? []) {
    found.push({ severity: 'error', code, subject, message: reason })
  }
  for (const { hostId, reason } of input.rivals)
    found.push({ severity: 'error', code: 'HOST_ID_TAKEN', subject: hostId, message: reason })
  for (const host of hosts.filter(({ state }) => state === 'lost')) {
    const message = 'no message from its agent for a whole lease; its real servers get no new connections'
    found.push({ severity: 'warning', code: 'HOST_LOST', subject: host.hostId, message })
  }
  for (const { hostId, connections } of unheard) {
    const message = `${connections} new connections were sent there, and its agent has told of none: whether its real servers accept is not known, and nobody is taken out for it`
    found.push({ severity: 'warning', code: 'SIGNALS_MISSING', subject: hostId, message })
  }
  for (const service of plan?.services ?? []) {
    found.push(...notAccepting(service, passive))
    const panic = panicOf(passive.judged(service).realServers)
    if (panic !== undefined) {
      found.push({ severity: 'warning', code: 'PANIC', subject: service.service, message: panicText(panic) })
      continue
    }
    if (service.realServers.some(rs => rs.state === 'ready' && rs.weight > 0)) continue
    const message = 'no real server is ready, so nobody is served'
    found.push({ severity: 'warning', code: 'SERVICE_EMPTY', subject: service.service, message })
  }
  found.push(...tableProblems)
  if (tornDown) {
    const message = 'torn down on request; `crossport resync` or a restart brings the services back'
    found.push({ severity: 'warning', code: 'TORN_DOWN', subject: 'director', message })
  }
  for (const { object, reason } of quarantined)
    found.push({ severity: 'error', code: 'SWITCH_REJECTED', subject: object, message: reason })
  if (lastError !== undefined) {
    const code = (lastError as { code?: string }).code ?? ''
    const subject = code === 'STORE_FAILED' || code === 'STATE_CORRUPT' ? 'state file' : 'switch'
    found.push({ severity: 'error', code, subject, message: lastError.message })
  }
  return found
}

function notAccepting(service: VirtualService, { judged, acceptanceOf }: StatusInput['passive']): Problem[] {
  return judged(service).realServers.flatMap(rs => {
    const acceptance = acceptanceOf(service, rs.id)
    if (rs.state !== 'ready' || acceptance === undefined || acceptance.phase === 'accepting') return []
    const so = rs.barred === undefined ? '' : '; it is out of scheduling until it accepts a trial connection'
    const message = `${rs.vm} on host ${rs.hostId} ${acceptanceText(acceptance)}${so}`
    return { severity: 'warning', code: 'NOT_ACCEPTING', subject: `${service.service} ${rs.vm}`, message }
  })
}
