import { COMMON_CONDITIONS, type CommonFacts } from '../../shared/status/common.ts'
import { type Condition, type Finding, found, type Severity } from '../../shared/status/conditions.ts'
import type { Registration } from '../cells.ts'
import { type Inputs, tunnelOfport } from '../inputs.ts'
import type { Outcome } from '../outcome.ts'
import type { RealServerProblem } from '../real-servers/types.ts'
import type { ReportedRealServer } from '../report/types.ts'

export interface AgentFacts extends CommonFacts {
  readonly inputs: Inputs
  /** What a teardown has not taken away, in words, one each. */
  readonly leftByTeardown: readonly string[]
  readonly registration: Registration
  /** Addresses of the configured directors. */
  readonly directors: readonly string[]
  readonly outcome: Outcome
  readonly reports: readonly ReportedRealServer[]
}

/** What service files ask of this host's VMs, and cannot be given. */
const UNRESOLVED: readonly RealServerProblem['code'][] = [
  'SERVICE_AMBIGUOUS',
  'REAL_SERVER_DUPLICATE',
  'INGRESS_PORTS_EXHAUSTED',
]

/** All that keeps an agent from saying that everything is in force. */
export const AGENT_CONDITIONS: readonly Condition<AgentFacts>[] = [
  ...COMMON_CONDITIONS,
  {
    code: 'LIBVIRT_UNREACHABLE',
    severity: 'warning',
    find: ({ inputs: { inventory } }) =>
      found('libvirt', inventory.synced ? undefined : (inventory.reason ?? 'not in sync')),
  },
  { code: 'REPORT_DISCONNECTED', severity: 'warning', find: notRegistered },
  { code: 'OVERLAY_MTU', severity: 'warning', find: tooLargeForTunnel },
  ...UNRESOLVED.map(unresolved),
  {
    code: 'TEARDOWN_UNFINISHED',
    severity: 'error',
    find: ({ leftByTeardown }) =>
      leftByTeardown.map(what => ({ subject: what, message: 'is still there after the teardown' })),
  },
  { code: 'REAL_SERVER', severity: 'warning', find: ({ reports }) => reports.values().flatMap(notServing) },
]

function unresolved(code: RealServerProblem['code']): Condition<AgentFacts> {
  const find = ({ outcome }: AgentFacts) => outcome.realServerProblems.filter(problem => problem.code === code)
  return { code, severity: 'error', find }
}

function notRegistered({ directors, registration: { state, reason } }: AgentFacts): readonly Finding[] {
  return found('director', directors.length === 0 || state === 'registered' ? undefined : reason)
}

/** What is too large for the tunnel is lost without a word: it is told before somebody sends it. */
function tooLargeForTunnel({ inputs: { tunnel, ports }, outcome: { realServers } }: AgentFacts): readonly Finding[] {
  if (tunnel === undefined || tunnel.problem !== undefined) return []
  const { mtu: most, detail } = tunnel
  const vms = new Map(realServers.flatMap(({ attachment, vm }) => (attachment ? [[attachment.port, vm.name]] : [])))
  return ports.ports.flatMap(({ name: port, mtu }) => {
    const vm = vms.get(port)
    if (vm === undefined || mtu === undefined || most === undefined || mtu <= most) return []
    const message = `its port ${port} has an MTU of ${mtu}, and ${most} fit into the tunnels (${detail}): larger packets are lost`
    return found(vm, message)
  })
}

/** One that serves may have something to mend, too: clients send and nothing comes back, or its VIP will not outlive a reboot. */
function notServing({ service, vm, rsPort, state, reason }: ReportedRealServer): readonly Finding[] {
  if (reason === '' && (state === 'ready' || state === 'draining')) return []
  const severity: Severity = state === 'down' ? 'error' : 'warning'
  return [{ subject: `${service}/${vm}:${rsPort}`, message: reason || `it is ${state}`, severity }]
}

/** Why the port to the fabric is of no use; undefined: it is, or nothing is known of the bridge. */
export function uplinkProblem({ ports, tunnel }: Inputs, bridge: string, uplink: string): string | undefined {
  if (!ports.synced || ports.bridge === undefined) return undefined
  const members = ports.ports.filter(({ name, bond }) => name === uplink || bond === uplink)
  if (tunnel !== undefined && (tunnel.problem !== undefined || tunnelOfport({ ports, tunnel }) !== undefined))
    return undefined
  if (members.length === 0) return `the uplink ${uplink} is no port of bridge ${bridge}`
  if (members.some(({ ofport }) => ofport !== undefined)) return undefined
  const why = members.find(({ error }) => error !== undefined)?.error
  return `bridge ${bridge} cannot use its port ${uplink}${why === undefined ? '' : `: ${why}`}`
}
