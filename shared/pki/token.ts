import { hash, randomBytes } from 'node:crypto'

/** What a host needs to join a fleet: a secret that is good once, and what the fleet's CA is known by. */
export interface JoinToken {
  readonly secret: string
  /** SHA-256 of the CA certificate's DER form, base64url. */
  readonly fingerprint: string
}

const TOKEN = /^cp1\.([\w-]{27})\.([\w-]{43})$/

export const formatToken = ({ secret, fingerprint }: JoinToken): string => `cp1.${secret}.${fingerprint}`

/** Undefined: the text is no token. */
export function parseToken(text: string): JoinToken | undefined {
  const [, secret, fingerprint] = TOKEN.exec(text) ?? []
  return secret === undefined || fingerprint === undefined ? undefined : { secret, fingerprint }
}

/** 160 random bits: nobody guesses it, so its plain hash may be stored. */
export const newSecret = (): string => randomBytes(20).toString('base64url')

export const secretHash = (secret: string): string => hash('sha256', secret)

/** @param der - of a certificate */
export const fingerprintOf = (der: Uint8Array): string => hash('sha256', der, 'base64url')
