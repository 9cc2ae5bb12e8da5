import { CrossportError, messageOf } from '../../shared/errors.ts'
import type { House } from '../house.ts'

/**
 * Calls `reload` whenever the director's own certificate has changed and can be used. What goes wrong with it is logged: the
 * listener keeps the certificate that it has. Returns what ends that.
 */
export function onNewCertificate({ cells, log }: Pick<House, 'cells' | 'log'>, reload: () => void): () => void {
  return cells.certificate.subscribe(() => {
    // What cannot be used is told by the part that keeps it.
    if (cells.certificate.get()?.unusable !== undefined) return
    try {
      reload()
    } catch (cause) {
      const err = cause instanceof CrossportError ? cause : new CrossportError('RPC_TLS', messageOf(cause), { cause })
      log.error('a listener goes on with the certificate that it has', { err })
    }
  })
}
