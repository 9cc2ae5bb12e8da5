import type { GuestManager } from '../guest/manager.ts'
import { createTargeter } from '../guest/targeter.ts'
import type { GuestTarget } from '../guest/types.ts'
import type { Outcome } from '../outcome.ts'
import type { GuestRecords } from '../store/types.ts'
import type { Gone } from './outlets.ts'

export interface GuestOutletOptions {
  readonly guests: Pick<GuestManager, 'set'>
  readonly records: Pick<GuestRecords, 'list'>
  /** Network (CIDR) that health checks come from. */
  readonly probeNetwork: string
}

/** Gives each guest the VIPs that it must hold and whose shields the switch has confirmed. */
export function createGuestOutlet({ guests, records, probeNetwork }: GuestOutletOptions) {
  const makeTargets = createTargeter()
  let last: { readonly of: readonly unknown[]; readonly targets: readonly GuestTarget[] } = { of: [], targets: [] }

  /** One that holds VIPs tells its addresses anyway. */
  const withAsked = (targets: readonly GuestTarget[], asked: readonly GuestTarget[]) => {
    const of = [targets, asked]
    if (last.of.length > 0 && last.of.every((value, i) => value === of[i])) return last.targets
    const known = new Set(targets.map(({ vmUuid, mac }) => `${vmUuid}/${mac}`))
    const more = asked.filter(({ vmUuid, mac }) => !known.has(`${vmUuid}/${mac}`))
    last = { of, targets: more.length === 0 ? targets : [...targets, ...more] }
    return last.targets
  }

  return ({ altered, inventory, asked, confirmed, allConfirmed, sweep }: Outcome, gone: Gone): void => {
    const targets = makeTargets({
      gone: gone.map(({ item }) => item),
      come: altered,
      domains: inventory.domains,
      records: records.list(),
      probeNetwork,
      sweep,
      shielded: (vip, port) => confirmed.has(`shield/${vip}/${port}`),
      allShielded: allConfirmed,
    })
    guests.set(withAsked(targets, asked))
  }
}
