import { CrossportError } from '../../shared/errors.ts'
import { canonical, familyOf, IPV4 } from '../../shared/net/family.ts'
import type { Exec, Qga } from './qga.ts'

/**
 * The guest must never take the VIP as source of a connection of its own, not even when the VIP is first on the NIC: the kernel
 * passes over IPv4 addresses of scope host, and over deprecated IPv6 ones (RFC 6724, rule 3). The kernel would probe for an
 * IPv6 address before it uses it, and the director's answer would make the VIP a duplicate.
 */
export const AS_VIP = {
  IPv4: ['scope', 'host'],
  IPv6: ['nodad', 'preferred_lft', '0', 'noprefixroute'],
} as const

/** An address as the guest's kernel has it. */
export interface KernelAddress {
  readonly address: string
  /** As in rt_scopes: `global`, `link`, `host`, or a number. */
  readonly scope: string
  /** IPv6: the kernel takes it as source only where there is no other. */
  readonly deprecated: boolean
}

const host = (vip: string): string => `${vip}/${familyOf(vip).bits}`

/**
 * Adds the VIP, with the longest prefix, to the NIC (ip-address(8)). Succeeds if it is there already. Throws GUEST_COMMAND_FAILED
 * with ip's own words.
 */
export async function addAddress(qga: Qga, vip: string, nic: string): Promise<void> {
  const result = await asVip(qga, 'add', vip, nic)
  if (result.exitCode !== 0 && !/File exists|already assigned/i.test(result.stderr))
    throw failed('add', vip, nic, result)
}

/**
 * Makes a VIP that the guest would take as source one that it would not. The kernel never changes the scope of an IPv4 address, so
 * that one goes and comes again. Throws GUEST_COMMAND_FAILED.
 */
export async function restrictAddress(qga: Qga, vip: string, nic: string): Promise<void> {
  if (familyOf(vip) === IPV4) {
    await removeAddress(qga, vip, nic)
    return addAddress(qga, vip, nic)
  }
  const result = await asVip(qga, 'replace', vip, nic)
  if (result.exitCode !== 0) throw failed('replace', vip, nic, result)
}

/** Whether the guest may take the address as source of its own connections. */
export function isSource({ address, scope, deprecated }: KernelAddress): boolean {
  return familyOf(address) === IPV4 ? scope !== 'host' : !deprecated
}

/** Reads the NIC's addresses with their scopes, which the guest agent does not tell. Empty where ip(8) does not tell them either. */
export async function readAddresses(qga: Qga, nic: string): Promise<readonly KernelAddress[]> {
  try {
    return parseAddresses((await ip(qga, ['-o', 'address', 'show', 'dev', nic])).stdout)
  } catch (error) {
    if (error instanceof CrossportError && error.code === 'GUEST_COMMAND_FAILED') return []
    throw error
  }
}

/** Reads what `ip -o address` of iproute2 and of BusyBox prints: `2: eth0    inet 10.1.1.1/32 scope host eth0\\ …`. */
export function parseAddresses(text: string): readonly KernelAddress[] {
  return [...text.matchAll(/^\d+: \S+ +inet6? ([0-9a-f.:]+)(?:\/\d+)? .*?\bscope (\w+)(.*)$/gm)].flatMap(
    ([, text = '', scope = '', rest = '']) => {
      const address = canonical(text)
      return address === undefined ? [] : [{ address, scope, deprecated: / deprecated /.test(rest) }]
    },
  )
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

async function asVip(qga: Qga, verb: string, vip: string, nic: string): Promise<Exec> {
  const command = ['address', verb, host(vip), 'dev', nic]
  const options = AS_VIP[familyOf(vip).name]
  const result = await ip(qga, [...command, ...options])
  // BusyBox has no nodad. The host keeps the probe to itself, so that it finds no other holder.
  if (!/"?nodad"? is garbage/.test(result.stderr)) return result
  return ip(qga, [...command, ...options.filter(option => option !== 'nodad')])
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
