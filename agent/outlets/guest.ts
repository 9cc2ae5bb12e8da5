import type { GuestManager } from '../guest/manager.ts'
import { createTargeter } from '../guest/targeter.ts'
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
  return ({ altered, inventory, confirmed, allConfirmed }: Outcome, gone: Gone): void => {
    const targets = makeTargets({
      gone: gone.map(({ item }) => item),
      come: altered,
      domains: inventory.domains,
      records: records.list(),
      probeNetwork,
      shielded: (vip, port) => confirmed.has(`shield/${vip}/${port}`),
      allShielded: allConfirmed,
    })
    guests.set(targets)
  }
}
