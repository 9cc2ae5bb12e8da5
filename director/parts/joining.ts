import type { Stop } from '../../shared/run/lifecycle.ts'
import type { House } from '../house.ts'
import { createDesk } from '../joining/issue.ts'
import { serveJoining } from '../joining/listener.ts'
import { canIssue } from '../pki/issuer.ts'
import { onNewCertificate } from './reload.ts'

/** Lets hosts join, on the director that has the CA's key. */
export async function joining(house: House): Promise<Stop | undefined> {
  const { config, cells, book, protection, log, clock } = house
  const { joinListen, pki, certificateLifetime } = config
  const { tls } = protection ?? {}
  const role = cells.certificate.get()?.own.identity.role
  if (tls === undefined || book === undefined || role === undefined || !canIssue(pki)) return undefined
  const desk = createDesk({ pki, book, lifetimeMs: certificateLifetime })
  const agentsPort = Number(cells.agents.get()?.address.replace(/^.*:/, ''))
  const listener = await serveJoining({ listen: joinListen, tls, desk, agentsPort, log, clock })
  log.info('hosts may join', { listen: listener.address })
  const stop = onNewCertificate(house, listener.reloadCertificate)
  return () => {
    stop()
    listener.close()
  }
}
