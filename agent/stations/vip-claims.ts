import type { Judge } from '../authority/judge.ts'
import type { VipClaim } from '../authority/types.ts'

/** Finds what VMs call their own address of the VIPs that this host has heard of; the same list while nothing changes. */
export function createVipClaims() {
  let last: { readonly of: readonly unknown[]; readonly claims: readonly VipClaim[] } = { of: [], claims: [] }
  return (guarded: readonly string[], unguarded: ReadonlySet<string>, judge: Judge): readonly VipClaim[] => {
    const of = [guarded, unguarded, judge]
    if (of.every((value, i) => value === last.of[i])) return last.claims
    const claimsOf = (vip: string, isGuarded: boolean): readonly VipClaim[] =>
      judge.claimants(vip).map(vm => ({ vm, vip, guarded: isGuarded }))
    const there = new Set(guarded)
    const claims = [
      ...guarded.flatMap(vip => claimsOf(vip, true)),
      // A file of the host may guard what the documents alone would not.
      ...[...unguarded].filter(vip => !there.has(vip)).flatMap(vip => claimsOf(vip, false)),
    ]
    last = { of, claims }
    return claims
  }
}
