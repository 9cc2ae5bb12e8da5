import { hostname } from 'node:os'
import { formatDuration } from '../../shared/config/duration.ts'
import { CrossportError } from '../../shared/errors.ts'
import { isThere } from '../../shared/identity/files.ts'
import { isName } from '../../shared/pki/names.ts'
import { fingerprintOf, formatToken, newSecret } from '../../shared/pki/token.ts'
import { parse } from '../../shared/rpc/tls.ts'
import { bookFile, type CommandConfig } from '../config.ts'
import { authorityFiles, canIssue } from '../pki/issuer.ts'
import { openOwnBook } from '../pki/own-book.ts'

export interface TokenOptions {
  readonly host?: string
  readonly director?: string
  /** Milliseconds. */
  readonly ttl: number
}

/** `crossport-director token`. Throws PKI_MISSING, PKI_INCOMPLETE, RPC_TLS, JOIN_REFUSED. */
export function makeToken(config: CommandConfig, { host, director, ttl }: TokenOptions) {
  const { pki, joinListen } = config
  if (!canIssue(pki)) throw new CrossportError('PKI_MISSING', `${pki} has no CA key to issue certificates with`)
  const name = director ?? host
  if (name !== undefined && !isName(name))
    throw new CrossportError(
      'JOIN_REFUSED',
      `'${name}' cannot be in a certificate: letters, digits, '.', '-' and '_' can`,
    )
  const { certificate } = authorityFiles(pki)
  if (!isThere(certificate)) throw new CrossportError('PKI_INCOMPLETE', `${pki} has a CA key, and no ${certificate}`)
  const { raw } = parse(certificate)
  const secret = newSecret()
  const role = director === undefined ? 'host' : 'director'
  const book = openOwnBook(bookFile(config), pki)
  book.addToken(secret, { role, name, endsAt: Date.now() + ttl })
  book.close()
  const token = formatToken({ secret, fingerprint: fingerprintOf(raw) })
  const port = joinListen.replace(/^.*:/, '')
  const where = port === '7474' ? hostname() : `${hostname()}:${port}`
  const program = role === 'host' ? 'crossport-agent' : 'crossport-director'
  const notes = [
    `good once, for ${formatDuration(ttl)}, for ${name === undefined ? 'any host' : `${role} ${name}`}; on that machine:`,
    `  echo ${token} | ${program} join ${where} -`,
  ]
  return { token, notes }
}
