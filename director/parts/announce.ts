import type { Stop } from '../../shared/run/lifecycle.ts'
import type { House } from '../house.ts'
import { createAnnouncer } from '../outlets/announce.ts'
import { stopAll } from './stop-all.ts'

/** Announces new VIPs. */
export function announce({ cells, outcomes, log, clock }: House): Stop {
  const announcer = createAnnouncer({ log, clock })
  const unplug = outcomes.plug({
    name: 'announcements',
    take: ({ plan, site, tornDown }) => {
      const sw = cells.switch.get()
      if (sw === undefined || tornDown) return
      const hosts = cells.registry.get().hosts.values()
      const agentHere = hosts.some(({ hostMac }) => site.ownMacs.includes(hostMac))
      announcer.announce(sw, new Set(plan.compiled.map(service => service.vip)), site, agentHere)
    },
  })
  return stopAll(unplug, announcer.close)
}
