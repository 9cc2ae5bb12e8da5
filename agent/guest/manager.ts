import { createGuest, type Guest, type GuestOptions } from './guest.ts'
import type { GuestStatus, GuestTarget } from './types.ts'

export interface GuestManager {
  /**
   * Takes the whole list of targets (level-triggered). A VM that is no longer in the list keeps what it has. To have its VIPs
   * removed, pass its target without VIPs until its records are gone.
   */
  set(targets: readonly GuestTarget[]): void
  status(vmUuid: string, mac: string): GuestStatus | undefined
  /** Verifies a VM at once, because it does not serve as it should. */
  verify(vmUuid: string): void
  /** Ends the loops; the guests keep what they have. */
  close(): Promise<void>
}

/** Keeps guests equal to their targets, each in a loop of its own. */
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
