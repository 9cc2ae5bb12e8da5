import { COMMON_CONDITIONS, type CommonFacts } from '../../shared/status/common.ts'
import { type Condition, type Finding, found, type Severity } from '../../shared/status/conditions.ts'
import type { VipClaim } from '../authority/types.ts'
import { type Inputs, tunnelOfport } from '../inputs.ts'
import type { Outcome } from '../outcome.ts'
import { uplinkMembers } from '../ports/find.ts'
import type { RealServerProblem } from '../real-servers/types.ts'
import { REFUSAL_CODES, type RefusalCode, type ReportedRealServer } from '../report/types.ts'
import type { Standing } from './standings.ts'

export interface AgentFacts extends CommonFacts {
  readonly inputs: Inputs
  /** What a teardown has not taken away, in words, one each. */
  readonly leftByTeardown: readonly string[]
  readonly standings: readonly Standing[]
  readonly outcome: Outcome
  readonly reports: readonly ReportedRealServer[]
}

/** What service files ask of this host's VMs, and cannot be given. */
const UNRESOLVED: readonly RealServerProblem['code'][] = [
  'VM_NOT_ALLOWED',
  'SERVICE_AMBIGUOUS',
  'REAL_SERVER_DUPLICATE',
  'INGRESS_PORTS_EXHAUSTED',
  'STORE_FAILED',
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
  {
    code: 'VM_UNREADABLE',
    severity: 'warning',
    find: ({ inputs: { inventory } }) =>
      (inventory.unreadable ?? []).map(({ name, reason }) => ({
        subject: name,
        message: `libvirt lists it, and it cannot be read: ${reason}; what was known of it stays in force`,
      })),
  },
  { code: 'REPORT_DISCONNECTED', severity: 'warning', find: facts => standing(facts, 'REPORT_DISCONNECTED') },
  ...REFUSAL_CODES.map(refused),
  { code: 'OVERLAY_MTU', severity: 'warning', find: tooLargeForTunnel },
  ...UNRESOLVED.map(unresolved),
  { code: 'VIP_CLAIMED', severity: 'warning', find: ({ outcome }) => outcome.vipClaims.map(claimed) },
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

function refused(code: RefusalCode): Condition<AgentFacts> {
  return { code, severity: 'error', find: facts => standing(facts, code) }
}

function claimed({ vm, vip, guarded }: VipClaim): Finding {
  const effect = guarded
    ? 'the VIP is guarded all the same, and the VM cannot use it'
    : 'the VM said so before this host heard of the VIP, which is not guarded here'
  return { subject: vm, message: `VM ${vm} says that VIP ${vip} is its own address: ${effect}` }
}

function standing({ standings }: AgentFacts, code: 'REPORT_DISCONNECTED' | RefusalCode): readonly Finding[] {
  return standings.flatMap(({ problem }) => (problem?.code === code ? problem : []))
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
  const members = uplinkMembers(ports, uplink)
  if (tunnel !== undefined && (tunnel.problem !== undefined || tunnelOfport({ ports, tunnel }) !== undefined))
    return undefined
  if (members.length === 0) return `the uplink ${uplink} is no port of bridge ${bridge}`
  if (members.some(({ ofport }) => ofport !== undefined)) return undefined
  const why = members.find(({ error }) => error !== undefined)?.error
  return `bridge ${bridge} cannot use its port ${uplink}${why === undefined ? '' : `: ${why}`}`
}
