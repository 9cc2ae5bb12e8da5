import { createGuest, type Guest, type GuestOptions } from './guest.ts'
import type { GuestStatus, GuestTarget } from './types.ts'

export interface GuestManager {
  /**
   * The whole list, level-triggered. A VM that is in it no more is left as it is: to have taken out what we added, pass
   * its target with no VIPs until its records are gone.
   */
  set(targets: readonly GuestTarget[]): void
  status(vmUuid: string, mac: string): GuestStatus | undefined
  /** A VM that does not serve as it should is looked at again now. */
  verify(vmUuid: string): void
  /** Stops looking after the guests; they keep what they have. */
  close(): Promise<void>
}

/** Keeps guests equal to their targets, each in its own time. */
export function createGuestManager(options: GuestOptions): GuestManager {
  const guests = new Map<string, Guest>()
  const stopping = new Set<Promise<void>>()
  let closed = false
  let last: readonly GuestTarget[] = []

  const drop = (vmUuid: string, guest: Guest) => {
    guests.delete(vmUuid)
    const stopped = guest.stop()
    stopping.add(stopped)
    void stopped.finally(() => stopping.delete(stopped))
  }

  return {
    set: targets => {
      if (closed || targets === last) return
      last = targets
      const byVm = Map.groupBy(targets, target => target.vmUuid)
      for (const [vmUuid, guest] of guests) if (!byVm.has(vmUuid)) drop(vmUuid, guest)
      for (const [vmUuid, mine] of byVm) {
        let guest = guests.get(vmUuid)
        if (guest === undefined) guests.set(vmUuid, (guest = createGuest(vmUuid, options)))
        guest.set(mine)
      }
    },
    status: (vmUuid, mac) => guests.get(vmUuid)?.status(mac),
    verify: vmUuid => guests.get(vmUuid)?.verify(),
    close: async () => {
      closed = true
      for (const [vmUuid, guest] of guests) drop(vmUuid, guest)
      await Promise.all(stopping)
    },
  }
}
