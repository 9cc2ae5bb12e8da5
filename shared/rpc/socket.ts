import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import { CrossportError } from '../errors.ts'
import type { Log } from '../log.ts'

/**
 * A daemon may serve its control socket: no other does. One that was killed has left its own behind, and could not say so.
 *
 * @throws RPC_LISTEN
 */
export async function onlyOne(path: string, log: Log): Promise<void> {
  if (!(await clearSocket(path))) return
  const err = new CrossportError('DAEMON_KILLED', `the last run has left ${path} behind`, { fields: { socket: path } })
  log.warn('the last run ended without a word', { err })
}

/**
 * Makes the way free for a unix socket. Throws RPC_LISTEN while a process listens there; what none listens on is removed.
 *
 * @returns whether there was something to remove
 */
export async function clearSocket(path: string): Promise<boolean> {
  mkdirSync(dirname(path), { recursive: true })
  if (await answers(path))
    throw new CrossportError('RPC_LISTEN', `${path}: another process serves it`, { fields: { listen: path } })
  const left = existsSync(path)
  rmSync(path, { force: true })
  return left
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
