import type { Stop } from '../../shared/run/lifecycle.ts'
import type { House } from '../house.ts'

/** Remembers which services are in force that only hosts have. */
export function hostServices({ outcomes, store }: House): Stop {
  return outcomes.plug({
    name: 'host services',
    take: ({ plan, altered }, gone) => {
      const changes = new Map<string, string | undefined>(gone.services.map(({ key }) => [key, undefined]))
      // What went while no director ran.
      if (altered.services === plan.services)
        for (const key of store.hostServices.load().keys()) changes.set(key, undefined)
      for (const { key, service, hosted } of altered.services) changes.set(key, hosted ? service : undefined)
      store.hostServices.change(changes)
    },
  })
}
