import type { Stop } from '../../shared/run/lifecycle.ts'
import type { House } from '../house.ts'
import { createAnnouncer } from '../outlets/announce.ts'
import { stopAll } from './stop-all.ts'

/** Announces new VIPs. After a teardown there are none. */
export function announce({ cells, outcomes, log, clock }: House): Stop {
  const announcer = createAnnouncer({ log, clock })
  const unplug = outcomes.plug({
    name: 'announcements',
    take: ({ plan, site, tornDown }) => {
      const sw = cells.switch.get()
      if (sw === undefined) return
      const hosts = cells.registry.get().hosts.values()
      const agentHere = hosts.some(({ hostMac }) => site.ownMacs.includes(hostMac))
      const vips = tornDown ? [] : plan.compiled.map(({ vip }) => vip)
      announcer.announce(sw, new Set(vips), site, agentHere)
    },
  })
  return stopAll(unplug, announcer.close)
}
