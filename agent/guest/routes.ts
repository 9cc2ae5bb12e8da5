import type { Log } from '../../shared/log.ts'
import type { GuestNic } from './nic.ts'
import type { Qga } from './qga.ts'
import type { GuestSystem } from './systems/types.ts'
import type { GuestTarget } from './types.ts'

/**
 * Keeps in one guest the route to the source of the health checks, so that the guest can answer them whatever its other routes
 * are. The route lasts until the guest's next boot; the agent then sets it again. A guest without it may still answer through its
 * gateway.
 */
export function createGuestRoutes(log: Log) {
  const held = new Map<string, string>()
  let told = false
  return async (qga: Qga, system: GuestSystem, { mac, vmName, onLink }: GuestTarget, nic: GuestNic): Promise<void> => {
    const before = held.get(mac)
    try {
      if (before !== undefined && before !== onLink) await system.removeRoute(qga, before, nic.name)
      held.delete(mac)
      if (onLink === undefined) return
      await system.addRoute(qga, onLink, nic.name)
      held.set(mac, onLink)
      told = false
    } catch (err) {
      if (told) return
      told = true
      log.notice('the route to the health checks could not be set in the guest', {
        vm: vmName,
        route: onLink ?? before,
        err,
      })
    }
  }
}
