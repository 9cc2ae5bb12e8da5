import type { Part } from '../../shared/run/lifecycle.ts'
import { flushZone } from '../apply/conntrack.ts'
import type { House } from '../house.ts'
import { createZoneFlush } from '../outlets/zone-flush.ts'
import { numberNames, ownerOfNumber } from '../plan/plan.ts'
import { ZONE_BASE } from '../store/numbers.ts'

/** Gives the numbers of services that are gone back, when nothing in the switch goes by them any more. */
export function numbers(house: House): Part {
  const { cells, clock, config, log, outcomes, removals, store, vswitchd } = house
  return {
    name: 'numbers',
    start: () => {
      const { tcp, udp } = config.connectionTimeouts
      const numbered = store.numbers.named('service')
      let first = true
      const zones = createZoneFlush({
        clock,
        log,
        idleSeconds: Math.max(tcp, udp),
        zonesOf: key => numberNames(key).flatMap(name => zoneOf(numbered.get(name))),
        isPending: removals.has,
        flush: async zone => flushZone(vswitchd, datapathOf(house), zone),
        done: key => cells.releasable.set(new Set(cells.releasable.get()).add(key)),
      })
      const unplug = outcomes.plug({
        name: 'numbers',
        take: (outcome, gone) => {
          if (first) {
            const present = new Set(outcome.plan.services.map(({ key }) => key))
            const known = new Set(numbered.keys().map(ownerOfNumber))
            zones.orphaned(known.difference(present))
          }
          first = false
          zones.take(outcome, gone)
        },
      })
      return () => {
        unplug()
        zones.close()
      }
    },
  }
}

const zoneOf = (number: number | undefined): number[] => (number === undefined ? [] : [ZONE_BASE + number])

function datapathOf({ cells }: House): string {
  const view = cells.bridge.get()
  if (view === undefined) throw new Error('the bridge is not known')
  return view.datapathType
}
