import type { CertificateState } from '../../../shared/identity/keeper.ts'

/** A daemon's certificate of which all is well, but for `change`. */
export function certificate(change: Partial<CertificateState>): CertificateState {
  const validity = { notBefore: new Date(0), notAfter: new Date(1) }
  const own = { ...validity, identity: { role: undefined, names: ['rs1'] }, authority: validity }
  return { own, unusable: undefined, notRenewed: undefined, ending: undefined, ...change }
}
