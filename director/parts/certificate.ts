import { CrossportError } from '../../shared/errors.ts'
import { pkiFiles } from '../../shared/identity/files.ts'
import { keepCertificate } from '../../shared/identity/keeper.ts'
import { readOwn } from '../../shared/identity/own.ts'
import { renewalFrom } from '../../shared/identity/renewal.ts'
import type { Stop } from '../../shared/run/lifecycle.ts'
import type { House } from '../house.ts'
import { createDesk } from '../joining/issue.ts'
import { canIssue } from '../pki/issuer.ts'

/** Keeps the director's own certificate, and says so where the connection to agents is in the clear. */
export function certificate({ config, cells, book, protection, log, clock }: House): Stop | undefined {
  const { tls, plaintext } = protection ?? {}
  if (plaintext !== undefined)
    log.warn('agents are talked to in the clear', { err: new CrossportError('PLAINTEXT', plaintext) })
  if (tls === undefined) return undefined
  const keeper = keepCertificate({ files: tls, renew: renewal(), log, clock })
  const take = () => cells.certificate.set(keeper.state.get())
  take()
  const stop = keeper.state.subscribe(take)
  return () => {
    stop()
    keeper.stop()
  }

  /** Undefined: the files are somebody else's to renew. */
  function renewal() {
    const { role } = readOwn(tls!).identity
    if (role?.role !== 'director' || tls!.cert !== pkiFiles(config.pki, 'director').cert) return undefined
    const { authority, pki, certificateLifetime } = config
    if (authority !== undefined) return (request: string) => renewalFrom([authority], tls!, request)
    if (!canIssue(pki) || book === undefined) return undefined
    const desk = createDesk({ pki, book, lifetimeMs: certificateLifetime })
    return (request: string) => desk.renew({ role: 'director', name: role.name }, request, undefined, () => {})
  }
}
