import { statSync } from 'node:fs'
import { CrossportError, messageOf } from '../errors.ts'
import type { Log } from '../log.ts'
import { isEnding, isRenewalDue, lookMs } from '../pki/life.ts'
import type { TlsFiles } from '../rpc/tls.ts'
import { createCell, type Reading } from '../run/cell.ts'
import type { Clock } from '../run/clock.ts'
import { writeWhole } from './files.ts'
import { type OwnCertificate, readOwn } from './own.ts'

/** A daemon's own certificate as it is now. */
export interface CertificateState {
  /** As last read with success. */
  readonly own: OwnCertificate
  /** Why the files that are there now are not used. */
  readonly unusable: string | undefined
  /** Why the last attempt to renew it has failed. */
  readonly notRenewed: string | undefined
  /** A third of its life, or of its CA's, is left. */
  readonly ending: string | undefined
}

export interface KeeperOptions {
  readonly files: TlsFiles
  /** Gets a new certificate (PEM) for a request (PEM); undefined: somebody else renews the files. */
  readonly renew: ((request: string) => Promise<string>) | undefined
  readonly log: Log
  readonly clock: Clock
}

export interface CertificateKeeper {
  readonly state: Reading<CertificateState>
  stop(): void
}

/** After a failed attempt to renew, so many looks go by before the next. */
const PATIENCE = 6

/**
 * Watches over a daemon's own certificate: reads its files anew when they change, has it renewed, and warns of its end. It looks
 * at the files in turns, so that it finds whatever has replaced them, however that was done. Throws RPC_TLS.
 */
export function keepCertificate({ files, renew, log, clock }: KeeperOptions): CertificateKeeper {
  let seen = identityOfFiles(files)
  const first = readOwn(files)
  const state = createCell<CertificateState>(stateOf(first, clock.wall()))
  let rest = 0
  let busy = false
  let cancel = () => {}

  const set = (change: Partial<CertificateState>) => {
    const before = state.get()
    const next = { ...before, ...change }
    const { ending } = stateOf(next.own, clock.wall())
    const now = { ...next, ending }
    if (JSON.stringify(now) === JSON.stringify(before)) return
    state.set(now)
    if (ending !== undefined && ending !== before.ending) warn(ending, log)
  }

  const reread = () => {
    const now = identityOfFiles(files)
    if (now === seen) return set({})
    seen = now
    try {
      const own = readOwn(files)
      log.notice('the certificate has been read anew', { file: files.cert, until: own.notAfter.toISOString() })
      set({ own, unusable: undefined, notRenewed: undefined })
    } catch (err) {
      log.error('the files of the certificate cannot be used', { err })
      set({ unusable: messageOf(err) })
    }
  }

  const renewIt = async () => {
    if (renew === undefined || busy || rest-- > 0 || !isRenewalDue(state.get().own, clock.wall())) return
    busy = true
    try {
      await renewFiles(files, renew)
    } catch (cause) {
      rest = PATIENCE
      const err = new CrossportError('RENEWAL_FAILED', messageOf(cause), { cause })
      log.warn('the certificate is not renewed yet', { err })
      set({ notRenewed: err.message })
    }
    busy = false
  }

  const look = () => {
    reread()
    void renewIt().then(reread)
    cancel = clock.after(lookMs(state.get().own), look)
  }
  if (state.get().ending !== undefined) warn(state.get().ending!, log)
  look()
  return { state, stop: () => cancel() }
}

/** A new key each time: a copy of the old one is of no use once its certificate has ended. */
async function renewFiles({ cert }: TlsFiles, renew: (request: string) => Promise<string>): Promise<void> {
  // Loaded when it is needed, for it is large, and most daemons run for weeks without.
  const { keyPem, makeRequest, newKeys } = await import('../pki/certificates.ts')
  const keys = await newKeys()
  const certificate = await renew(await makeRequest(keys))
  writeWhole(cert, keyPem(keys.privateKey) + certificate, 0o600)
}

function warn(ending: string, log: Log): void {
  log.warn('a certificate ends soon', { err: new CrossportError('CERTIFICATE_ENDING', ending) })
}

function stateOf(own: OwnCertificate, now: Date): CertificateState {
  const ends = (what: string, at: Date) => `${what} ends at ${at.toISOString()}; nobody connects from then on`
  const ending = isEnding(own, now)
    ? ends('the certificate', own.notAfter)
    : isEnding(own.authority, now)
      ? ends("the CA's certificate", own.authority.notAfter)
      : undefined
  return { own, unusable: undefined, notRenewed: undefined, ending }
}

/** Changes with every replacement of a file (inode), and every write to it. */
function identityOfFiles({ ca, cert, key }: TlsFiles): string {
  return [ca, cert, key]
    .map(file => statSync(file, { throwIfNoEntry: false }))
    .map(stats => (stats === undefined ? '-' : `${stats.ino} ${stats.size} ${stats.mtimeMs}`))
    .join()
}
