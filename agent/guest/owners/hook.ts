import { familyOf } from '../../../shared/net/family.ts'
import { AS_VIP } from '../ip.ts'

/** Name of a file of ours, of letters, digits, - and _ only: run-parts(8) passes over others. */
export function nameOf(nic: string, vip: string): string {
  return `crossport-${nic}-${vip}`.replaceAll(/[^A-Za-z0-9_-]/g, '-')
}

/**
 * The line of a shell script that sets the VIP beside the manager's addresses, and changes nothing where it is set. The manager's own
 * way would probe for the VIP and announce it. It always succeeds, because some managers undo all when a script fails.
 */
export function setLine(nic: string, vip: string): string {
  const { name, bits } = familyOf(vip)
  const command = `ip address replace ${vip}/${bits} dev ${nic}`
  const options: readonly string[] = AS_VIP[name]
  // BusyBox has no nodad.
  const plain = options.filter(option => option !== 'nodad')
  const attempts = [options, ...(plain.length < options.length ? [plain] : [])]
  return `${attempts.map(attempt => `${command} ${attempt.join(' ')} 2>/dev/null`).join(' || ')} || true`
}

/** ip(8) is there, and some managers' scripts have a PATH without it. */
export const PATH_LINE = 'PATH=$PATH:/usr/sbin:/sbin'
