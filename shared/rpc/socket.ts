import { chmodSync, chownSync, existsSync, mkdirSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import { CrossportError } from '../errors.ts'
import type { Log } from '../log.ts'
import { groupId, READERS } from './rights.ts'

/** Where a daemon takes orders: beside its control socket, on which it only tells. */
export function adminSocketOf(controlSocket: string): string {
  return controlSocket.replace(/(\.sock)?$/, '-admin$1')
}

/**
 * A daemon may serve its control socket: no other does. One that was killed has left its own behind, and could not say so.
 *
 * @throws RPC_LISTEN
 */
export async function onlyOne(path: string, log: Log): Promise<void> {
  const left = await clearSocket(path)
  await clearSocket(adminSocketOf(path))
  if (!left) return
  const err = new CrossportError('DAEMON_KILLED', `the last run has left ${path} behind`, { fields: { socket: path } })
  log.warn('the last run ended without a word', { err })
}

/**
 * Makes the way free for a unix socket. Throws RPC_LISTEN while a process listens there; what none listens on is removed.
 *
 * @returns whether there was something to remove
 */
export async function clearSocket(path: string): Promise<boolean> {
  makeDirectory(dirname(path))
  if (await answers(path))
    throw new CrossportError('RPC_LISTEN', `${path}: another process serves it`, { fields: { listen: path } })
  const left = existsSync(path)
  rmSync(path, { force: true })
  return left
}

/** Of sockets: readers may pass. One that is there already is its owner's business (systemd's, for one). */
function makeDirectory(path: string): void {
  if (mkdirSync(path, { recursive: true, mode: 0o750 }) === undefined) return
  const group = groupId(READERS)
  if (group !== undefined) chownSync(path, process.getuid!(), group)
  chmodSync(path, 0o750)
}

/** A process listens there. */
export function answers(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const probe = connect(path)
    const done = (answer: boolean) => {
      probe.destroy()
      resolve(answer)
    }
    probe.once('connect', () => done(true))
    probe.once('error', () => done(false))
  })
}
