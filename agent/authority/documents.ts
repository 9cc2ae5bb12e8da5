import { inPrefix } from '../../shared/address/prefix.ts'
import type { ServiceSpec } from '../../shared/config/service.ts'
import type { Networks } from './networks.ts'
import type { KnownVm, Policy, Refusal } from './types.ts'

/** What is known of this host when a document is judged. */
export interface Knowledge {
  readonly networks: Networks
  /** The host's VMs that the document names and that may serve for directors. */
  named(spec: ServiceSpec): readonly KnownVm[]
  /** A real server here serves at this VIP already. */
  served(vip: string): boolean
  /** The host guards the VIP already: what a VM has called its own address since then does not count. */
  guarded(vip: string): boolean
}

/**
 * Why a director's document is not in force here. One that names no VM of this host asks for nothing. What is not known yet is
 * not refused for ever: `ask` says whose addresses would tell. Pure.
 *
 * @returns undefined: it may be
 */
export function documentRefusal(spec: ServiceSpec, policy: Policy, knowledge: Knowledge): Refusal | undefined {
  const { vip } = spec
  const execs = spec.check?.type === 'exec' && !policy.guestExec
  const allowed = isAllowed(vip, policy, knowledge)
  if (allowed && !execs) return undefined
  const named = knowledge.named(spec)
  if (named.length === 0) return undefined
  return allowed ? refuse('GUEST_EXEC_NOT_ALLOWED', EXEC) : vipRefusal(vip, policy, knowledge, named)
}

const EXEC =
  'its check runs a command in guests, which directors may not have this host do; guestExec: true in agent.yaml allows it'

type Known = Omit<Knowledge, 'named'>

function isAllowed(vip: string, { allowedVips }: Policy, known: Known): boolean {
  if (allowedVips !== undefined) return allowedVips.some(block => inPrefix(vip, block))
  return known.served(vip) || (known.networks.has(vip) && ownerOf(vip, known) === undefined)
}

/** Name of the VM whose own address it is, by what the VM told before this host guarded the address as a VIP. */
function ownerOf(vip: string, { networks, guarded }: Known): string | undefined {
  return guarded(vip) ? undefined : networks.ownersOf(vip)[0]
}

function vipRefusal(vip: string, { allowedVips }: Policy, known: Known, named: readonly KnownVm[]): Refusal {
  const mend = `allowedVips: [${[...(allowedVips ?? []), `${vip}/32`].join(', ')}] in agent.yaml allows it`
  if (allowedVips !== undefined)
    return refuse('VIP_NOT_ALLOWED', `VIP ${vip} is not in allowedVips of this host; ${mend}`)
  const ask = named.map(({ uuid }) => uuid)
  const owner = ownerOf(vip, known)
  if (owner !== undefined)
    return refuse('VIP_NOT_ALLOWED', `VIP ${vip} is the address of VM ${owner}; give the service another VIP`, ask)
  const unknown = named.find(({ addresses }) => addresses === undefined)
  if (unknown === undefined)
    return refuse('VIP_NOT_ALLOWED', `VIP ${vip} is in no network of this host's VMs; ${mend}`, ask)
  const reason = `it is not known whether VIP ${vip} is in a network of VM ${unknown.name}: ${unknown.silent}; ${mend}`
  return refuse('VIP_UNKNOWN', reason, ask)
}

function refuse(code: Refusal['code'], reason: string, ask: readonly string[] = []): Refusal {
  return { code, reason, ask }
}

/**
 * Whether this host may keep its VMs from speaking for the VIP because a director says so: never from an address that a VM called
 * its own before. A guard that is there stays: a VM's word does not lift it.
 */
export function mayGuard(vip: string, policy: Policy, known: Known): boolean {
  const { allowedVips } = policy
  if (allowedVips !== undefined) return allowedVips.some(block => inPrefix(vip, block))
  return known.served(vip) || ownerOf(vip, known) === undefined
}
