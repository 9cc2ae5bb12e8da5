import { existsSync } from 'node:fs'
import { controlClient } from '../../shared/rpc/client.ts'
import { adminSocketOf, answers } from '../../shared/rpc/socket.ts'
import { bookFile, type CommandConfig } from '../config.ts'
import { openOwnBook } from '../pki/own-book.ts'

/** `crossport-director revoke`. Writes it into the book, and has the daemon act on it. */
export async function revoke(config: CommandConfig, hostId: string): Promise<readonly string[]> {
  const socket = adminSocketOf(config.controlSocket)
  const book = openOwnBook(bookFile(config), config.pki)
  const held = book.revoke(hostId, Date.now())
  book.close()
  const written = `host ${hostId} is revoked: the certificates that it has are of no use any more`
  const unknown = held ? [] : [`no certificate of ${hostId} was issued here`]
  if (!existsSync(socket) || !(await answers(socket)))
    return [written, ...unknown, 'no director runs here now; it knows when it starts']
  const known = await tell(socket, hostId)
  return [written, ...unknown, known ? 'its real servers have left scheduling' : 'the director knew of no such host']
}

function tell(socket: string, hostId: string): Promise<boolean> {
  const client = controlClient(socket)
  return new Promise<boolean>((resolve, reject) => {
    client.Revoked({ hostId }, (error, answer) => (error === null ? resolve(answer!.known) : reject(error)))
  }).finally(() => client.close())
}
