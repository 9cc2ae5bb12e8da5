import type { CertificateState } from '../identity/keeper.ts'
import { type Condition, found } from './conditions.ts'

/** How the connection between agents and directors is protected. */
export interface IdentityFacts {
  /** Undefined: the connection is in the clear. */
  readonly certificate: CertificateState | undefined
  /** What an operator has to know of a connection in the clear; undefined: nothing. */
  readonly plaintext: string | undefined
}

type Facts = { readonly role: 'agent' | 'director'; readonly identity: IdentityFacts }

/** A director has its files in memory; an agent reads them whenever it dials. */
const MEANWHILE: Readonly<Record<Facts['role'], string>> = {
  director: 'the certificate that was read before is in use',
  agent: 'connections that are open go on, and no new one can be made',
}

/** What either daemon tells of its own certificate. */
export const IDENTITY_CONDITIONS: readonly Condition<Facts>[] = [
  {
    code: 'RPC_TLS',
    severity: 'error',
    find: ({ role, identity: { certificate } }) => {
      const unusable = certificate?.unusable
      return found('certificate', unusable && `${unusable}; ${MEANWHILE[role]}`)
    },
  },
  {
    code: 'CERTIFICATE_ENDING',
    severity: 'warning',
    find: ({ identity: { certificate } }) => {
      const { ending, notRenewed } = certificate ?? {}
      return found(
        'certificate',
        ending && (notRenewed === undefined ? ending : `${ending}; not renewed: ${notRenewed}`),
      )
    },
  },
  { code: 'PLAINTEXT', severity: 'note', find: ({ identity }) => found('connection', identity.plaintext) },
]
