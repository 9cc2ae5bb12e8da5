import type { Log } from '../../shared/log.ts'
import { familyOf } from '../../shared/net/family.ts'
import { PORT } from '../../shared/openflow/types.ts'
import type { Clock } from '../../shared/run/clock.ts'
import type { Switch } from '../../shared/switch/types.ts'
import { toAll } from '../compile/fabric.ts'
import type { Site } from '../compile/types.ts'

export interface Announcer {
  /**
   * Announces the VIPs that are not yet announced at this D. Failures are only logged, because requests for a VIP are answered
   * all the same. `agentHere`: an agent works on this bridge.
   */
  announce(sw: Pick<Switch, 'packetOut'>, vips: ReadonlySet<string>, site: Site, agentHere: boolean): void
  close(): void
}

/** ANNOUNCE_NUM is 2, ANNOUNCE_INTERVAL 2 s (RFC 5227, 1.1). */
const AGAIN_MS = 2000

export function createAnnouncer({ log, clock }: { log: Log; clock: Clock }): Announcer {
  const announced = new Map<string, string>()
  const cancels = new Map<string, () => void>()
  let queue = Promise.resolve()
  let failing = false
  const forget = (vip: string) => {
    announced.delete(vip)
    cancels.get(vip)?.()
    cancels.delete(vip)
  }
  return {
    announce: (sw, vips, site, agentHere) => {
      const { directorMac } = site
      for (const vip of announced.keys()) if (!vips.has(vip)) forget(vip)
      for (const vip of vips) {
        if (announced.get(vip) === directorMac) continue
        announced.set(vip, directorMac)
        const send = async () => {
          if (announced.get(vip) !== directorMac) return
          await announceVip(sw, vip, site, agentHere)
          failing = false
        }
        // Logged once, because when one announcement fails, others are likely to fail too.
        const failed = (err: unknown) => {
          log[failing ? 'debug' : 'warn']('the VIP could not be announced; ARP requests for it are answered', {
            vip,
            err,
          })
          failing = true
        }
        // Announcements are sent one after the other, because a thousand at once would hold up the switch.
        const enqueue = () => {
          queue = queue.then(send).catch(failed)
        }
        enqueue()
        cancels.get(vip)?.()
        const again = () => {
          cancels.delete(vip)
          enqueue()
        }
        cancels.set(vip, clock.after(AGAIN_MS, again))
      }
    },
    close: () => {
      for (const cancel of cancels.values()) cancel()
    },
  }
}

/**
 * Announces that the VIP is at D (RFC 5227, section 3: gratuitous ARP; RFC 4861, 7.2.6: unsolicited advertisement). The frame
 * leaves as if the director's own host had sent it, so that bridges learn the port of D.
 */
function announceVip(sw: Pick<Switch, 'packetOut'>, vip: string, site: Site, agentHere: boolean): Promise<void> {
  return sw.packetOut({
    inPort: PORT.LOCAL,
    actions: toAll(site, agentHere),
    data: familyOf(vip).neighbours.announce({ address: vip, mac: site.directorMac, ethSrc: site.directorMac }),
  })
}
