import type { Counts } from '../../shared/apply/apply.ts'
import { once } from '../../shared/lists.ts'
import type { Acceptance as AcceptanceMessage } from '../../shared/rpc/gen/crossport/v1/Acceptance.ts'
import type { Input } from '../../shared/rpc/gen/crossport/v1/Input.ts'
import type { ServiceSource, StatusSource } from '../../shared/rpc/status.ts'
import type { Timeline } from '../../shared/run/timeline.ts'
import { problemsOf } from '../../shared/status/conditions.ts'
import type { Passive } from '../balance/passive.ts'
import type { Refused } from '../intake/refused.ts'
import type { Plan } from '../plan/plan.ts'
import type { VirtualService } from '../registry/services.ts'
import type { Host, RealServer } from '../registry/types.ts'
import { type Acceptance, acceptanceText } from '../schedule/acceptance.ts'
import type { ServiceLoad } from '../schedule/load.ts'
import { DIRECTOR_CONDITIONS, type OwnFacts } from './conditions.ts'

export interface StatusInput {
  readonly id: string
  readonly version: string
  readonly startedAt: Date
  readonly inputs: readonly Input[]
  /** What the conditions are asked about, beside what stands here. */
  readonly facts: OwnFacts
  readonly plan: Plan | undefined
  /** What a service's connections have been counted to. */
  readonly loadOf: (key: string) => ServiceLoad | undefined
  readonly passive: Pick<Passive, 'judged' | 'acceptanceOf' | 'unheard'>
  readonly hosts: readonly Host[]
  /** Hosts are sent to by their address in the underlay (an overlay). */
  readonly addressed: boolean
  readonly connected: ReadonlySet<string>
  /** Hosts whose agents were refused, and try again. */
  readonly refused: readonly Refused[]
  readonly counts: Counts
  readonly lastCommitAt: Date | undefined
  readonly timeline: Timeline
  /** The wall clock's time of a moment of the monotonic one. */
  readonly wallOf: (at: number) => Date
}

/** The answer to GetStatus, of one plan; its lists are made as they are read. Pure. */
export function statusOf(input: StatusInput): StatusSource {
  const { counts, plan, hosts, connected, refused, addressed, facts } = input
  // Several conditions and the list of services ask for the same.
  const passive = { ...input.passive, judged: once(input.passive.judged) }
  const unheard = passive.unheard()
  const silent = new Set(unheard.map(({ hostId }) => hostId))
  return {
    role: 'director',
    id: input.id,
    version: input.version,
    startedAt: input.startedAt.toISOString(),
    inputs: [...input.inputs],
    services: (plan?.services ?? []).values().map(service => serviceStatus({ ...input, passive }, service, silent)),
    problems: problemsOf(DIRECTOR_CONDITIONS, {
      ...facts,
      plan,
      hosts,
      connected,
      refused,
      addressed,
      passive,
      unheard,
    }),
    switch: {
      bridge: facts.bridge,
      desiredFlows: counts.desiredFlows,
      installedFlows: counts.installedFlows,
      desiredGroups: counts.desiredGroups,
      lastCommitAt: input.lastCommitAt?.toISOString() ?? '',
      lastError: facts.lastError?.message ?? '',
      commits: counts.commits,
      flowChanges: counts.added + counts.changed + counts.deleted,
    },
    hosts: hosts
      .toSorted((a, b) => (a.hostId < b.hostId ? -1 : 1))
      .map(host => ({
        hostId: host.hostId,
        hostMac: host.hostMac,
        hostIp: host.hostIp,
        state: host.state === 'lost' ? 'lost' : connected.has(host.hostId) ? 'connected' : 'away',
        leaseExpiresAt: host.state === 'lost' ? '' : input.wallOf(host.leaseExpiresAt).toISOString(),
        realServers: host.realServers.size,
      })),
    timeline: [...input.timeline.entries],
    servicesDir: facts.servicesDir,
  }
}

function serviceStatus(
  { loadOf, passive }: StatusInput,
  service: VirtualService,
  silent: ReadonlySet<string>,
): ServiceSource {
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
    realServers: realServers.values().map(rs => {
      const counted = load?.servers.get(rs.id)
      const acceptance = passive.acceptanceOf(service, rs.id)
      return {
        id: rs.id,
        vm: rs.vm,
        host: rs.hostId,
        rsPort: rs.rsPort,
        ingressPort: rs.ingressPort,
        weight: rs.weight,
        state: rs.state === 'lost' || rs.barred !== undefined ? 'down' : rs.state,
        reason: reasonOf(rs, counted?.full, acceptance),
        activeConnections: Math.round(counted?.active ?? 0),
        totalConnections: counted?.total ?? 0,
        acceptance: acceptanceOf(acceptance, silent.has(rs.hostId)),
      }
    }),
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
