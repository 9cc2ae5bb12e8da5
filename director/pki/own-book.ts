import { isThere } from '../../shared/identity/files.ts'
import { type Book, openBook } from './book.ts'
import { canIssue } from './issuer.ts'

/**
 * The book of this machine. `init` makes it together with the CA: where there is a CA's key and no book, the book was lost, and the
 * new one says so. Throws as `openBook` does.
 *
 * @param pki - directory with the CA's files, if there are any
 */
export function openOwnBook(file: string, pki: string): Book {
  const lost = canIssue(pki) && !isThere(file)
  const book = openBook(file)
  if (lost) book.lost(Date.now())
  return book
}
