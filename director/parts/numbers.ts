import type { Stop } from '../../shared/run/lifecycle.ts'
import { flushZone } from '../apply/conntrack.ts'
import type { House } from '../house.ts'
import { createLeftMarks } from '../numbers/left-marks.ts'
import { createZoneFlush } from '../numbers/zone-flush.ts'
import { numberNames, ownerOfNumber } from '../plan/plan.ts'
import type { Releasable } from '../plan/release.ts'
import { ZONE_BASE } from '../store/numbers.ts'
import { stopAll } from './stop-all.ts'

/** Gives back the numbers of removed services and real servers once nothing in the switch uses them any more. */
export function numbers(house: House, flush: Flush = flushIn(house)): Stop {
  const { cells, clock, config, log, loop, outcomes, removals, store } = house
  const { tcp, udp } = config.connectionTimeouts
  const idleSeconds = Math.max(tcp, udp)
  const numbered = store.numbers.named('service')
  const release = (list: readonly Releasable[]) => {
    cells.releasable.put(list)
    loop.mark('numbers')
  }
  const zones = createZoneFlush({
    clock,
    log,
    idleSeconds,
    zonesOf: key => numberNames(key).flatMap(name => zoneOf(numbered.get(name))),
    isPending: removals.has,
    flush,
    done: key => release([{ key }]),
  })
  const marks = createLeftMarks({
    clock,
    idleSeconds,
    marked: store.numbers.named('mark'),
    left: release,
    compared: services => zones.orphaned(new Set(numbered.keys().map(ownerOfNumber)).difference(services)),
  })
  const unplug = outcomes.plug({
    name: 'numbers',
    take: (outcome, gone) => {
      zones.take(outcome, gone)
      marks.take(outcome)
    },
  })
  return stopAll(unplug, zones.close, marks.close)
}

const zoneOf = (number: number | undefined): number[] => (number === undefined ? [] : [ZONE_BASE + number])

/** Removes all connections of a zone. */
type Flush = (zone: number) => Promise<void>

function flushIn({ cells, vswitchd }: House): Flush {
  return async zone => {
    const view = cells.bridge.get()
    if (view === undefined) throw new Error('the bridge is not known')
    await flushZone(vswitchd, view.datapathType, zone)
  }
}
