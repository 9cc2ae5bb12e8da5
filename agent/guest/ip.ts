import { CrossportError } from '../../shared/errors.ts'
import { familyOf } from '../../shared/net/family.ts'
import type { Exec, Qga } from './qga.ts'

/** The kernel would probe for an IPv6 address before it uses it, and the director's answer would make the VIP a duplicate. */
const QUIETLY = { IPv4: [], IPv6: ['nodad'] } as const

const host = (vip: string): string => `${vip}/${familyOf(vip).bits}`

/**
 * Adds the VIP, with the longest prefix, to the NIC (ip-address(8)). Succeeds if it is there already. Throws GUEST_COMMAND_FAILED
 * with ip's own words.
 */
export async function addAddress(qga: Qga, vip: string, nic: string): Promise<void> {
  const result = await ip(qga, ['address', 'add', host(vip), 'dev', nic, ...QUIETLY[familyOf(vip).name]])
  if (result.exitCode !== 0 && !/File exists|already assigned/i.test(result.stderr))
    throw failed('add', vip, nic, result)
}

/** Removes the VIP from the NIC. Succeeds if it is not there. */
export async function removeAddress(qga: Qga, vip: string, nic: string): Promise<void> {
  const result = await ip(qga, ['address', 'del', host(vip), 'dev', nic])
  if (result.exitCode !== 0 && !/Cannot assign requested address|not found/i.test(result.stderr))
    throw failed('del', vip, nic, result)
}

/** Makes `network` (CIDR) on-link at the NIC (ip-route(8)). Throws GUEST_COMMAND_FAILED. */
export async function addRoute(qga: Qga, network: string, nic: string): Promise<void> {
  const result = await ip(qga, ['route', 'replace', network, 'dev', nic, 'scope', 'link'])
  if (result.exitCode !== 0) throw refused(`route replace ${network} dev ${nic}`, result)
}

/** Removes the route. Succeeds if it is not there. */
export async function removeRoute(qga: Qga, network: string, nic: string): Promise<void> {
  const result = await ip(qga, ['route', 'del', network, 'dev', nic])
  if (result.exitCode !== 0 && !/No such process/i.test(result.stderr))
    throw refused(`route del ${network} dev ${nic}`, result)
}

/** Paths of ip(8): the PATH of the guest agent may lack sbin. */
const PROGRAMS = ['ip', '/sbin/ip', '/usr/sbin/ip']

async function ip(qga: Qga, args: readonly string[]): Promise<Exec> {
  let missing: unknown
  for (const program of PROGRAMS) {
    try {
      return await qga.exec(program, args)
    } catch (error) {
      if (!isAgentError(error)) throw error
      if (!/no such file/i.test(error.message)) throw notRun(program, error)
      missing = error
    }
  }
  throw new CrossportError('GUEST_COMMAND_FAILED', 'the guest has no ip command (iproute2)', { cause: missing })
}

function failed(verb: string, vip: string, nic: string, result: Exec): CrossportError {
  return refused(`address ${verb} ${host(vip)} dev ${nic}`, result)
}

function refused(command: string, { exitCode, stderr, stdout }: Exec): CrossportError {
  const words = (stderr.trim() || stdout.trim() || `exit code ${exitCode}`).slice(0, 500)
  return new CrossportError('GUEST_COMMAND_FAILED', `ip ${command}: ${words}`)
}

function notRun(program: string, cause: CrossportError): CrossportError {
  return new CrossportError('GUEST_COMMAND_FAILED', `${program} cannot be run: ${withSelinux(cause.message)}`, {
    cause,
  })
}

/** A guest agent that SELinux confines says only that permission is denied. */
export function withSelinux(words: string): string {
  return /permission denied/i.test(words) ? `${words} (SELinux may forbid it to the guest agent)` : words
}

export function isAgentError(error: unknown): error is CrossportError {
  return error instanceof CrossportError && error.code === 'GUEST_AGENT_ERROR'
}
