import type { Validity } from './certificates.ts'

/* A certificate is renewed from half of its life on, and warned of when a third is left: none of those that renew gets there. */

const share = ({ notBefore, notAfter }: Validity, part: number) =>
  notBefore.getTime() + (notAfter.getTime() - notBefore.getTime()) * part

export const isRenewalDue = (validity: Validity, now: Date): boolean => now.getTime() >= share(validity, 1 / 2)

export const isEnding = (validity: Validity, now: Date): boolean => now.getTime() >= share(validity, 2 / 3)

/** When a certificate has to be looked at again, in ms: often enough for those that live for seconds, in tests. */
export function lookMs({ notBefore, notAfter }: Validity): number {
  return Math.min(10_000, Math.max(200, (notAfter.getTime() - notBefore.getTime()) / 50))
}
