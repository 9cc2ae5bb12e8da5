import { mkdirSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import { CrossportError } from '../errors.ts'

/** Makes the way free for a unix socket. Throws RPC_LISTEN while a process listens there; what none listens on is removed. */
export async function clearSocket(path: string): Promise<void> {
  mkdirSync(dirname(path), { recursive: true })
  if (await answers(path))
    throw new CrossportError('RPC_LISTEN', `${path}: another process serves it`, { fields: { listen: path } })
  rmSync(path, { force: true })
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
