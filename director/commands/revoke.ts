import { existsSync } from 'node:fs'
import { CrossportError, messageOf } from '../../shared/errors.ts'
import { controlClient } from '../../shared/rpc/client.ts'
import { adminSocketOf, answers } from '../../shared/rpc/socket.ts'
import { bookFile, type CommandConfig } from '../config.ts'
import { openOwnBook } from '../pki/own-book.ts'

const DEADLINE_MS = 10_000

/**
 * `crossport-director revoke`. Writes it into the book, and then has the daemon act on it.
 *
 * @param say - called with each thing that is done
 * @throws HOST_UNKNOWN (it is written nevertheless: a host of an existing PKI may not have been here yet), REVOKED_UNTOLD
 */
export async function revoke(config: CommandConfig, hostId: string, say: (line: string) => void): Promise<void> {
  const book = openOwnBook(bookFile(config), config.pki)
  const isDirector = config.id === hostId || book.knows({ role: 'director', name: hostId })
  const issued = book.revoke(hostId, Date.now())
  book.close()
  say(`host ${hostId} is revoked: the certificates that it has are of no use any more`)
  const registered = await told(adminSocketOf(config.controlSocket), hostId)
  if (registered === undefined) say('no director runs here now; it knows when it starts')
  else if (registered) say('its real servers have left scheduling')
  if (issued || registered === true) return
  const kind = isDirector ? `${hostId} is a director, and no host` : `no host ${hostId} is known here`
  throw new CrossportError(
    'HOST_UNKNOWN',
    `${kind}: no certificate was issued for such a host, and none has registered`,
  )
}

/** Whether the daemon knew the host; undefined: none runs here. */
async function told(socket: string, hostId: string): Promise<boolean | undefined> {
  if (!existsSync(socket) || !(await answers(socket))) return undefined
  const client = controlClient(socket)
  try {
    return await new Promise<boolean>((resolve, reject) => {
      client.Revoked({ hostId }, { deadline: Date.now() + DEADLINE_MS }, (error, answer) =>
        error === null ? resolve(answer!.known) : reject(error),
      )
    })
  } catch (cause) {
    const message = `it is written, and the director that runs here could not be told: ${messageOf(cause)}`
    throw new CrossportError('REVOKED_UNTOLD', message, { cause })
  } finally {
    client.close()
  }
}
