import { bookFile, type CommandConfig } from '../config.ts'
import { initPki } from '../pki/init.ts'
import { openOwnBook } from '../pki/own-book.ts'

/**
 * `crossport-director init`. Returns what there is to tell. Throws PKI_INCOMPLETE, STORE_FAILED, BOOK_UNUSABLE.
 *
 * @param withoutRevocations - a book that was lost is replaced: those who were revoked have been revoked anew
 */
export async function init(config: CommandConfig, withoutRevocations = false): Promise<readonly string[]> {
  const { id, pki, certificateLifetime } = config
  // Before the CA, so that there is never one without.
  const book = openOwnBook(bookFile(config), pki)
  if (withoutRevocations) book.settle()
  book.close()
  const files = await initPki(pki, id, certificateLifetime)
  const told = files.map(
    ({ file, what, made }) => `${made ? 'made' : 'is there already, and stays as it is'}: ${file} (${what})`,
  )
  if (files.some(({ made }) => made))
    return [...told, 'next: systemctl restart crossport-director, and `crossport-director token` for each host']
  return [...told, 'nothing has been changed']
}
