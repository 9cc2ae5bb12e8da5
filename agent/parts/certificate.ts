import { CrossportError } from '../../shared/errors.ts'
import { keepCertificate } from '../../shared/identity/keeper.ts'
import { readOwn } from '../../shared/identity/own.ts'
import { renewalFrom } from '../../shared/identity/renewal.ts'
import type { Stop } from '../../shared/run/lifecycle.ts'
import type { House } from '../house.ts'

/** Keeps the host's own certificate, and says so where the connection to a director is in the clear. */
export function certificate({ config, protection, cells, log, clock }: House): Stop | undefined {
  const { tls, plaintext } = protection
  if (plaintext !== undefined)
    log.warn('directors are talked to in the clear', { err: new CrossportError('PLAINTEXT', plaintext) })
  if (tls === undefined) return undefined
  // Files that are named in the configuration are somebody else's to renew, and so are those of a PKI without roles.
  const ours = config.tls === undefined && readOwn(tls).identity.role?.role === 'host'
  const renew = ours ? (request: string) => renewalFrom(config.director, tls, request) : undefined
  const keeper = keepCertificate({ files: tls, renew, log, clock })
  const take = () => cells.certificate.set(keeper.state.get())
  take()
  const stop = keeper.state.subscribe(take)
  return () => {
    stop()
    keeper.stop()
  }
}
