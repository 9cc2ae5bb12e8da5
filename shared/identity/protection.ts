import { isIP } from 'node:net'
import { CrossportError } from '../errors.ts'
import type { Role } from '../pki/names.ts'
import type { TlsFiles } from '../rpc/tls.ts'
import { installedFiles } from './files.ts'

export interface ProtectionOptions {
  readonly role: Role
  /** As configured. */
  readonly tls: TlsFiles | undefined
  readonly pki: string
  readonly insecurePlaintext: boolean
  /** `host:port` or `unix:/path`: where is listened, or what is dialled. */
  readonly addresses: readonly string[]
}

/** How the connection between agents and directors is protected. */
export interface Protection {
  /** Undefined: it is in the clear. */
  readonly tls: TlsFiles | undefined
  /** What an operator has to know of it; undefined: nothing. */
  readonly plaintext: string | undefined
}

const REMEDY: Readonly<Record<Role, string>> = {
  director: 'run `crossport-director init`, or name the files of an existing PKI under tls in director.yaml',
  host: 'run `crossport-director token` on the director and `crossport-agent join DIRECTOR TOKEN` here, or name the files of an existing PKI under tls in agent.yaml',
}

/**
 * Files that are configured, or else those of `init` and `join`. Without any the connection is in the clear, which is allowed
 * within one machine, or where the configuration says it in as many words.
 *
 * @throws TLS_MISSING
 */
export function chooseProtection(options: ProtectionOptions): Protection {
  const { role, pki, addresses, insecurePlaintext } = options
  const tls = options.tls ?? installedFiles(pki, role)
  const open = addresses.filter(address => !isLocal(address)).join(', ')
  if (tls !== undefined || open === '') return { tls, plaintext: undefined }
  const what = role === 'host' ? `the connection to ${open}` : `whoever dials ${open}`
  if (!insecurePlaintext)
    throw new CrossportError('TLS_MISSING', `${what} would be neither encrypted nor authenticated: ${REMEDY[role]}`)
  const plaintext = `insecurePlaintext: ${what} is neither encrypted nor authenticated, and who is in between can take any VIP`
  return { tls, plaintext }
}

/** Nothing leaves the machine. */
export function isLocal(address: string): boolean {
  if (address.startsWith('unix:')) return true
  const host = address.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
  if (host === 'localhost' || host === '::1') return true
  return isIP(host) === 4 && host.startsWith('127.')
}
