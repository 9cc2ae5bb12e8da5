import type { Log } from '../../shared/log.ts'
import { addRoute, removeRoute } from './ip.ts'
import type { GuestNic } from './nic.ts'
import type { Qga } from './qga.ts'
import type { GuestTarget } from './types.ts'

/**
 * Keeps in one guest the route to where health checks come from, so that it can answer them whatever other routes it
 * has. Only until its next boot, for the agent sets it anew then. A guest without it may still answer by its gateway.
 */
export function createGuestRoutes(log: Log) {
  const held = new Map<string, string>()
  let told = false
  return async (qga: Qga, { mac, vmName, onLink }: GuestTarget, nic: GuestNic): Promise<void> => {
    const before = held.get(mac)
    try {
      if (before !== undefined && before !== onLink) await removeRoute(qga, before, nic.name)
      held.delete(mac)
      if (onLink === undefined) return
      await addRoute(qga, onLink, nic.name)
      held.set(mac, onLink)
      told = false
    } catch (err) {
      if (told) return
      told = true
      log.notice('the guest got no route to the health checks', { vm: vmName, route: onLink ?? before, err })
    }
  }
}
