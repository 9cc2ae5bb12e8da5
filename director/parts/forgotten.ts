import type { Stop } from '../../shared/run/lifecycle.ts'
import { startForgotten } from '../balance/forgotten.ts'
import type { House } from '../house.ts'
import { connectionTable, inForce, sumOf } from './in-force.ts'

/** Counts the connections that have ended without being counted. */
export function forgotten(house: House): Stop {
  const { dump, entries } = connectionTable(house)
  const activeOf = (key: string) => sumOf(house, key, 'active')
  const { cells } = house
  const counted = startForgotten({
    ...inForce(house),
    activeOf,
    dump: zone => dump(zone, false),
    entries,
    entriesOf: zone => cells.zoneFill.get().entriesOf(zone),
    isFlooded: ({ service }) => cells.floods.get().floods.some(({ services }) => services.includes(service)),
  })
  cells.forgotten.set(counted.of)
  return () => counted.stop()
}
