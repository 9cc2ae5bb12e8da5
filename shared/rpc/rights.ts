import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync } from 'node:fs'
import { messageOf } from '../errors.ts'

/** Members may look (`crossport status`), and change nothing. */
export const READERS = 'crossport'

/** Number of a group, from whatever nsswitch.conf(5) names; undefined: there is none. */
export function groupId(name: string): number | undefined {
  try {
    const entry = execFileSync('getent', ['group', '--', name], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    return Number(entry.split(':')[2])
  } catch {
    return undefined
  }
}

/**
 * Lets a group use a socket that is its owner's alone until now (the daemon's umask). The group comes before the mode, so that
 * no other group has its rights for a moment.
 *
 * @param name - undefined: nobody else may use it
 * @returns why the socket stays its owner's and root's; undefined: it is as it was asked for
 */
export function shareSocket(socket: string, name: string | undefined): string | undefined {
  chmodSync(socket, 0o600)
  if (name === undefined) return undefined
  const group = groupId(name)
  if (group === undefined) return `there is no group ${name}`
  try {
    chownSync(socket, process.getuid!(), group)
    chmodSync(socket, 0o660)
    return undefined
  } catch (cause) {
    return `it cannot be given to the group ${name}: ${messageOf(cause)}`
  }
}
